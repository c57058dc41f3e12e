"""What this app writes on the trail."""

ACTIONS = {
    "recon.source.registered": "An external account was registered as a source of statements",
    "recon.reconciliation.defined": "Two populations were declared to agree",
    "recon.file.received": "A file's bytes were stored under their hash",
    "recon.file.accepted": "A file's statements and lines were taken into the books' evidence",
    "recon.file.downloaded": "A stored file's bytes were handed out",
    "recon.statement.accepted": "A statement was accepted, proven or marked unproven",
    "recon.run.requested": "A reconciliation run was asked for",
    "recon.run.completed": "A reconciliation run ended with its matches and breaks",
    "recon.run.failed": "A reconciliation run stopped on an error; nothing of its last step was kept",
    "recon.break.assigned": "A break was given to a person",
    "recon.break.commented": "A comment was written on a break",
    "recon.break.proposed": "An adjustment was proposed to resolve a break",
    "recon.break.reopened": "A break's proposal ended without a posting; the break is open again",
    "recon.break.resolved": "A break was closed by a match",
    "recon.breaks.exported": "A list of breaks was handed out as a file",
    "recon.view.saved": "A list's filters were given a name",
    "recon.view.deleted": "A saved view was deleted by its owner",
    "recon.match.made": "A person matched items by hand",
    "recon.adjustment.posted": "An approved adjustment was posted and its posting matched the open items",
}
