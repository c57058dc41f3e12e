"""Settings, all read from the environment here and nowhere else."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from ledgerops import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("LEDGEROPS_DATA_DIR", default=BASE_DIR / "var")

# "local" is one machine on loopback over plain HTTP (make up, tests); "production" sits behind TLS.
PROFILE = env.choice("LEDGEROPS_PROFILE", default="local", allowed=frozenset({"local", "production"}))
PRODUCTION = PROFILE == "production"
# Where `manage.py up` wrote down the services it runs, for whoever has no URL in the environment.
SERVICES_DIR = None if PRODUCTION else DATA_DIR
DEBUG = env.boolean("LEDGEROPS_DEBUG", default=False)
SECRET_KEY = env.secret("LEDGEROPS_SECRET_KEY", fallback_file=None if PRODUCTION else DATA_DIR / "secret-key")
ALLOWED_HOSTS = env.words("LEDGEROPS_ALLOWED_HOSTS", default=("localhost", "127.0.0.1"))

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # its pages are those of ledgerops.records
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_cotton.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "knox",
    "lucide",
    "rest_framework",
    "simple_history",
    "template_partials.apps.SimpleAppConfig",
    "ledgerops.runtime",
    "audit",
    "approvals",
    "ledger",
    "recon",
    "ledgerops",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ledgerops.lib.http.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "approvals.web.sessions.SessionAgeMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "audit.web.middleware.ActorMiddleware",
    "approvals.web.access.RefusedAccessMiddleware",
    "ledgerops.lib.http.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "ledgerops.urls"
WSGI_APPLICATION = "ledgerops.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ledgerops.context.frame",
            ],
            # cotton and template-partials each replace the loaders, so both are set here by hand.
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "ledgerops.templatetags.ui",
            ],
        },
    }
]


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("a database URL starts with postgresql://")
    return {
        "ENGINE": "ledgerops.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or 5432),
        "ATOMIC_REQUESTS": False,
    }


# Off behind a pooler that gives a session's statements to another session.
PREPARED_STATEMENTS = env.boolean("LEDGEROPS_PREPARED_STATEMENTS", default=True)
_session = "-c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"

DATABASES = {
    "default": {
        **_database(env.service("DATABASE_URL", data_folder=SERVICES_DIR, default="postgresql://ledgerops_app@localhost/ledgerops")),
        "OPTIONS": {"options": _session},
        # Each thread keeps its connection, and with it what is prepared there.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"MIRROR": "owner"},
    },
    # Only migrations, grants and the test runner use the owner.
    "owner": {
        **_database(
            env.service("DATABASE_OWNER_URL", data_folder=SERVICES_DIR, default="postgresql://ledgerops_migrator@localhost/ledgerops")
        ),
        "OPTIONS": {"assume_role": "ledgerops_owner", "options": "-c lock_timeout=30s -c timezone=UTC"},
    },
}
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "approvals.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_RAISE_403 = True

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "approvals.web.adapters.ClosedDoorAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "LedgerOps"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "account/lockout.html"
AXES_VERBOSE = False  # it would greet every process
AXES_IPWARE_PROXY_COUNT = env.integer("LEDGEROPS_PROXIES", default=0, minimum=0, maximum=5)

SESSION_COOKIE_AGE = 60 * env.integer("LEDGEROPS_SESSION_IDLE_MINUTES", default=15, minimum=1, maximum=60)
SESSION_ABSOLUTE_AGE = 3600 * 12
# SessionAgeMiddleware says when a session is written.
SESSION_SAVE_EVERY_REQUEST = False
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
# The __Host- prefix demands HTTPS, which a loopback demo does not have.
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
# Probes ask the process itself, past the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
SECURE_HSTS_SECONDS = 63_072_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    # Statement files, content-addressed; never served from a URL. On disk, or in a bucket of an S3-compatible store.
    "default": env.file_store("LEDGEROPS_FILES_URL", folder=DATA_DIR / "files"),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Maps are read by developer tools alone; packing them took most of the time of collectstatic.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["map", "woff2", "png", "jpg", "ico", "gz", "br"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_242_880
STATEMENT_MAXIMUM_BYTES = 200 * 1024 * 1024
# `<folder>/<source code>/` is where others put files, by SFTP for instance; nothing is watched where it is not said.
DROP_DIR = env.optional_folder("LEDGEROPS_DROP_DIR")
# Addresses of chain providers by name. They hold keys: they are never stored, shown or logged.
CHAIN_PROVIDERS = env.prefixed("LEDGEROPS_CHAIN_PROVIDER_")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "approvals.api.tokens.BearerTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["ledgerops.lib.api_edge.HoldsPermission"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "ledgerops.lib.api_edge.JSONOnly",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ledgerops.lib.api_edge.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "ledgerops.lib.api.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_METADATA_CLASS": None,
    # Reading a file costs a worker seconds; nothing else is throttled here.
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"files": "120/minute"},
    "NUM_PROXIES": AXES_IPWARE_PROXY_COUNT,
    "EXCEPTION_HANDLER": "ledgerops.lib.api.refusal_response",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": timedelta(days=90), "AUTO_REFRESH": False}
SPECTACULAR_SETTINGS = {
    "TITLE": "LedgerOps API",
    "DESCRIPTION": "Post money movements, deliver statements, work breaks, decide proposals. Amounts are strings of digits in minor units.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["ledgerops.lib.api_edge.HoldsPermission"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0, "validatorUrl": None},
    "ENUM_NAME_OVERRIDES": {
        "Direction": "ledger.models.Direction",
        "AccountType": "ledger.models.AccountType",
        "AccountPurpose": "ledger.models.AccountPurpose",
        "RecurringFrequency": "ledger.models.Frequency",
        "AccountStatus": "ledger.models.AccountStatus",
        "OwnerClass": "ledger.models.OwnerClass",
        "PeriodStatus": "ledger.models.PeriodStatus",
        "PartyKind": "ledger.models.PartyKind",
        "PartyStatus": "ledger.models.PartyStatus",
        "ExternalAccountKind": "ledger.models.ExternalAccountKind",
        "AlertKind": "ledger.models.AlertKind",
        "FindingSeverity": "ledger.models.Severity",
        "RateKind": "ledger.models.RateKind",
        "TransactionStatus": "ledger.models.TransactionStatus",
        "SettlementStatus": "ledger.models.SettlementStatus",
        "ChainStage": "recon.api.chain_serializers.STAGES",
        "ChainKind": "recon.models.ChainKind",
        "ChainTransferKind": "recon.models.TransferKind",
        "SourceKind": "recon.models.SourceKind",
        "ProofKind": "recon.models.ProofKind",
        "ProofOutcome": "recon.models.ProofOutcome",
        "TreatmentKind": "recon.models.TreatmentKind",
        "BankMessageKind": "recon.api.resolution_serializers.KINDS",
        "CancellationReason": "recon.api.resolution_serializers.REASONS",
        "TreatmentFilter": "recon.api.serializers.TREATMENTS",
        "FeedFrequency": "recon.models.FeedFrequency",
        "StatementKind": "recon.models.StatementKind",
        "StatementPurpose": "recon.models.Purpose",
        "FileStatus": "recon.models.FileStatus",
        "RunStatus": "recon.models.RunStatus",
        "RulesStatus": "recon.models.RulesStatus",
        "Flow": "recon.models.Flow",
        "Proof": "recon.models.ProofStatus",
        "Side": "recon.models.Side",
        "MatchMethod": "recon.models.MatchMethod",
        "BreakType": "recon.models.BreakType",
        "BreakState": "recon.models.BreakState",
        "ProposalStatus": "approvals.models.ProposalStatus",
        "DecisionOutcome": "approvals.models.DecisionOutcome",
        "EventOutcome": "audit.models.Outcome",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "ledgerops.lib.api.describe_errors"],
}

CELERY_BROKER_URL = env.service("CELERY_BROKER_URL", data_folder=SERVICES_DIR, default="redis://localhost:6379/0")
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 3600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7200}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep queued reconciliation runs": {"task": "recon.tasks.sweep_runs", "schedule": 15.0},
    "sweep waiting trials of rules": {"task": "recon.tasks.sweep_trials", "schedule": 15.0},
    "prove the days": {"task": "recon.tasks.prove_days", "schedule": 900.0, "options": {"expires": 900.0}},
    "count the figures of reports": {"task": "recon.tasks.count_figures", "schedule": 300.0, "options": {"expires": 300.0}},
    "count all figures of reports": {"task": "recon.tasks.count_all_figures", "schedule": crontab(hour=1, minute=40)},
    "sweep missing feeds": {"task": "recon.tasks.sweep_feeds", "schedule": 60.0},
    "read chains": {"task": "recon.tasks.sweep_chains", "schedule": 15.0, "options": {"expires": 15.0}},
    "take dropped files": {"task": "recon.tasks.take_dropped_files", "schedule": 10.0, "options": {"expires": 10.0}},
    "sweep waiting files": {"task": "recon.tasks.sweep_files", "schedule": 15.0},
    "expire proposals": {"task": "approvals.tasks.expire_proposals", "schedule": 60.0},
    # The day's, soon after midnight UTC, and whatever was missed.
    "post recurring entries": {"task": "ledger.tasks.post_recurring", "schedule": 600.0},
    # A doorbell that nobody answered in time is worth nothing: the next one finds what there is.
    "roll deferred legs": {"task": "ledger.tasks.roll_deferred", "schedule": 2.0, "options": {"expires": 2.0}},
    "sample lock waits": {"task": "ledger.tasks.sample_lock_waits", "schedule": 5.0, "options": {"expires": 5.0}},
    "check balance monitors": {"task": "ledger.tasks.check_monitors", "schedule": 60.0},
    "expire holds": {"task": "ledger.tasks.expire_holds", "schedule": 30.0},
    "check new postings": {"task": "ledger.tasks.check_what_is_new", "schedule": 60.0},
    "sweep waiting examinations": {"task": "ledger.tasks.sweep_integrity_runs", "schedule": 60.0},
    "examine the books": {"task": "ledger.tasks.check_everything", "schedule": crontab(hour=2, minute=15)},
    "note ended reopenings": {"task": "ledger.tasks.note_ended_reopenings", "schedule": 60.0},
}

_log_level = env.choice("LEDGEROPS_LOG_LEVEL", default="INFO", allowed=frozenset({"DEBUG", "INFO", "WARNING", "ERROR"}))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "ledgerops.logs.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": _log_level},
    # These would log the addresses that they ask, keys and all.
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}},
}
# One line a request, when it has ended; whose address it came from is bound with its id, as the trail has it.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
