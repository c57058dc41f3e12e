"""Adapters from proposal kinds to this app's operations."""

from approvals.registry import Handler
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.approval_handlers.certification import CERTIFY_HANDLER, UNCERTIFY_HANDLER
from recon.approval_handlers.chains import CHAIN_HANDLER
from recon.approval_handlers.mappings import MAPPING_HANDLER
from recon.approval_handlers.proofs import PROOF_HANDLER
from recon.approval_handlers.repeats import REPEAT_HANDLER
from recon.approval_handlers.resolutions import RESOLUTION_HANDLERS
from recon.approval_handlers.rules import RULES_HANDLER
from recon.approval_handlers.service_levels import SERVICE_LEVEL_HANDLER

HANDLERS: tuple[Handler, ...] = (
    ADJUSTMENT_HANDLER,
    CHAIN_HANDLER,
    MAPPING_HANDLER,
    PROOF_HANDLER,
    REPEAT_HANDLER,
    RULES_HANDLER,
    SERVICE_LEVEL_HANDLER,
    CERTIFY_HANDLER,
    UNCERTIFY_HANDLER,
    *RESOLUTION_HANDLERS,
)
