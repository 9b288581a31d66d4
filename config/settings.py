"""Settings of an installation. Every value that may differ between two installations comes from `config.env`."""

import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import env, sentry
from config.console import UNFOLD as UNFOLD
from config.layers import API_MIDDLEWARE as API_MIDDLEWARE
from config.layers import MIDDLEWARE as MIDDLEWARE
from config.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from config.timetable import CELERY_BEAT_SCHEDULE as CELERY_BEAT_SCHEDULE

ROOT = Path(__file__).resolve().parent.parent
VERSION = (ROOT / "VERSION").read_text().strip()

MODE = env.choice("PORTICO_MODE", ("development", "test", "production"), "production")
PRODUCTION = MODE == "production"
# Whether a payload that doesn't fit its event type's schema is the end of its verb, or a line in the log.
STRICT_EVENTS = MODE == "test"
DEMO = env.boolean("PORTICO_DEMO", default=False)
HOME = env.HOME

# --- secrets ---------------------------------------------------------------------------------------------------------
SECRET_KEY = env.secret("PORTICO_SECRET_KEY", minimum=50)
# Keys of secrets at rest, newest first: the first encrypts, all decrypt; see `core.crypto`.
ENCRYPTION_KEYS = env.names("PORTICO_ENCRYPTION_KEYS")
# Key of the keyed hashes of credentials. It can't be rotated: changing it makes every credential unknown.
HASH_KEY = env.secret("PORTICO_HASH_KEY")
# Key of the identity that the gateway signs for Django; shared by gateway and web processes only.
IDENTITY_KEY = env.secret("PORTICO_IDENTITY_KEY")

# --- addresses -------------------------------------------------------------------------------------------------------
BASE_URL = env.text("PORTICO_BASE_URL", "" if PRODUCTION else "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.names("PORTICO_ALLOWED_HOSTS", () if PRODUCTION else ("*",))
CSRF_TRUSTED_ORIGINS = [BASE_URL] if BASE_URL else []
# Networks of the proxies in front of the gateway; only they are believed about a client's address.
TRUSTED_PROXIES = env.names("PORTICO_TRUSTED_PROXIES")
# Calls a minute that an address may make without a known credential.
ADDRESS_RATE = env.integer("PORTICO_ADDRESS_RATE", 600, least=1)
GATEWAY_SOCKET = env.text("PORTICO_GATEWAY_SOCKET", "")
# Unknown, misspelt and forged credentials and wrong secrets a minute from one address; calls with a good one go on beside them.
GUESS_RATE = env.integer("PORTICO_GUESS_RATE", 120, least=1)
# Connections that one address may hold to a gateway process; this machine and trusted proxies may hold any number.
ADDRESS_CONNECTIONS = env.integer("PORTICO_ADDRESS_CONNECTIONS", 512, least=1)
# Connections that a gateway process has at most to one upstream of an integration or product.
UPSTREAM_CONNECTIONS = env.integer("PORTICO_UPSTREAM_CONNECTIONS", 512, least=1)
# Seconds that an upstream may be given for its answer, and for its silence in event streams and WebSockets.
UPSTREAM_LONGEST_WAIT = env.integer("PORTICO_UPSTREAM_LONGEST_WAIT", 120, least=1, most=3_600)
UPSTREAM_LONGEST_SILENCE = env.integer("PORTICO_UPSTREAM_LONGEST_SILENCE", 3_600, least=1, most=32_000)
# How often in a day a partner may let a key work again that was suspended because of how it was used.
KEY_RESUMES_A_DAY = env.integer("PORTICO_KEY_RESUMES_A_DAY", 3, least=0)
# WebSockets that a gateway process keeps open, and how many of them one partner may have.
WEBSOCKETS = env.integer("PORTICO_WEBSOCKETS", 2_000, least=0)
WEBSOCKETS_A_PARTNER = env.integer("PORTICO_WEBSOCKETS_A_PARTNER", 200, least=0)
# Reports of leaked keys a minute from one address, and whose signed reports may be more: a file as GitHub publishes its keys.
LEAK_REPORT_RATE = env.integer("PORTICO_LEAK_REPORT_RATE", 60, least=1)
LEAK_REPORTER_KEYS = env.text("PORTICO_LEAK_REPORTER_KEYS", "")
GATEWAY_PROCESSES = env.integer("PORTICO_GATEWAY_PROCESSES", min(4, os.cpu_count() or 1), least=1)
# The Unix socket on which Django listens for the gateway.
WEB_SOCKET = env.path("PORTICO_WEB_SOCKET", HOME / "run" / "web.sock")
# Let webhooks and upstreams reach loopback and private addresses. For demos on one machine; never in production.
ALLOW_LOCAL_TARGETS = env.boolean("PORTICO_ALLOW_LOCAL_TARGETS", default=False)
# Private networks where APIs of the operator's own may be; never those of integrations.
PRIVATE_UPSTREAMS = env.networks("PORTICO_PRIVATE_UPSTREAMS")

DEBUG = False
ROOT_URLCONF = "config.urls"
API_URLCONF = "config.api_urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

INSTALLED_APPS = [
    "core.apps.CoreConfig",
    "partners",
    "apikeys",
    "marketplace",
    "usage",
    "abuse",
    "webhooks",
    "billing",
    "support",
    "products.requests",
    "products.external",
    "portal",
    "developers",
    "gateway",
    "local",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "portal.console_app.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_celery_beat",
    "django_cotton.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django_cotton.cotton_loader.Loader",
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "portal.templatetags.portico",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "portal.context.site",
            ],
        },
    }
]
COTTON_DIR = "components"
# A component sees its attributes and what context processors give, not the variables of the page around it.
COTTON_ISOLATE_BY_DEFAULT = True

# --- engines ---------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": {
        **env.database("DATABASE_URL"),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL")
_cache = {
    "LOCATION": REDIS_URL,
    "KEY_PREFIX": "cache",
    # A Redis that hangs keeps a page waiting for a second, not for the driver's twenty.
    "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)},
}
# Attempts to sign in are counted in the first, so without Redis nobody can; pages do without the second.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", **_cache},
    "lossy": {"BACKEND": "core.caches.LossyCache", **_cache},
}
# Sessions stand in the database alone: pages work while Redis is away, and one that was ended is ended everywhere.
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- worker ----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "celery:", "visibility_timeout": 3600}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# The loops that this worker process carries (`core.streams`); all of them unless an installation spreads them.
STREAMS = env.names("PORTICO_STREAMS", ("*",))

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
SHORTEST_PASSWORD = 10
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": SHORTEST_PASSWORD}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "partners.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "partners.account_forms.LoginForm",
    "signup": "partners.account_forms.SignupForm",
    "add_email": "partners.account_forms.AddEmailForm",
    "change_password": "partners.account_forms.ChangePasswordForm",
    "set_password": "partners.account_forms.SetPasswordForm",
    "reset_password": "partners.account_forms.ResetPasswordForm",
    "reset_password_from_key": "partners.account_forms.ResetPasswordKeyForm",
    "reauthenticate": "partners.account_forms.ReauthenticateForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
# Whoever finds a browser signed in can't move the account to an address of theirs: that asks for the password again.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Registrations a minute and address: each costs a password hash and a mail.
REGISTRATIONS_A_MINUTE = 20
# Attempts, by address (`ip`) and by account (`key` is an e-mail address, `user` the person who is signed in). Of each code
# that is mailed three guesses are taken (allauth's `…_MAX_ATTEMPTS`); guesses of a second factor count as `login_failed` too.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "signup": f"{REGISTRATIONS_A_MINUTE}/m/ip",
    "confirm_email": "1/10s/key,10/h/key",
    "reset_password": "20/m/ip,5/m/key,20/h/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
}
MFA_ADAPTER = "partners.adapters.SecondFactorAdapter"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Portico"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# Operators sign in with a second factor. Only a demo may go without.
OPERATOR_MFA_REQUIRED = env.boolean("PORTICO_OPERATOR_MFA_REQUIRED", default=PRODUCTION)

# Each home has cookie names of its own, so that two demos on one host don't sign each other out.
COOKIE_SUFFIX = env.text("PORTICO_COOKIE_SUFFIX", "")
SESSION_COOKIE_NAME = f"portico_session{COOKIE_SUFFIX}"
CSRF_COOKIE_NAME = f"portico_csrf{COOKIE_SUFFIX}"
LANGUAGE_COOKIE_NAME = f"portico_language{COOKIE_SUFFIX}"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
CSRF_FAILURE_VIEW = "portal.views.stale"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = False  # the proxy that ends TLS redirects; see the check in `core.checks`
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if BASE_URL.startswith("https://") else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BASE_URL.startswith("https://")
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # TLS redirects are the proxy's

# --- mail ------------------------------------------------------------------------------------------------------------
# One URL: `smtp+tls://user:password@host:587`, or in a demo `filemail:////folder`.
_mail = env.text("PORTICO_MAIL_URL", "" if PRODUCTION else f"filemail:///{HOME / 'mail'}")
globals().update(env.mail(_mail))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("PORTICO_MAIL_FROM", "Portico <portico@localhost>")

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["core.api.authentication.GatewayIdentity"],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.ContentNegotiation",
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.CursorListing",
    "DEFAULT_FILTER_BACKENDS": ["core.api.filters.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.OperationSchema",
    "EXCEPTION_HANDLER": "core.api.errors.as_problem",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "DATETIME_FORMAT": "iso-8601",
}

# --- OAuth -----------------------------------------------------------------------------------------------------------
# How long an access token works; revocation holds from the next call on all the same.
ACCESS_TOKEN_LIFETIME = timedelta(seconds=env.integer("PORTICO_ACCESS_TOKEN_SECONDS", 900, least=60, most=3_600))
# A refresh token ends when it isn't used for so long, and in any case so long after the partner's consent.
REFRESH_TOKEN_IDLE = timedelta(days=env.integer("PORTICO_REFRESH_TOKEN_IDLE_DAYS", 30, least=1, most=365))
REFRESH_TOKEN_LIFETIME = timedelta(days=env.integer("PORTICO_REFRESH_TOKEN_DAYS", 365, least=1, most=3_650))
# How long a key signs access tokens before the next one follows.
SIGNING_KEY_LIFETIME = timedelta(days=env.integer("PORTICO_SIGNING_KEY_DAYS", 90, least=2, most=3_650))

# --- money -----------------------------------------------------------------------------------------------------------
# Days from an invoice to its due date, and days that earnings are held, so that payment and disputes come first.
INVOICE_DUE_DAYS = env.integer("PORTICO_INVOICE_DUE_DAYS", 14, least=0, most=365)
PAYOUT_HOLD_DAYS = env.integer("PORTICO_PAYOUT_HOLD_DAYS", 30, least=0, most=365)
# Smaller sums wait for the next payout; in whole units of their currency.
PAYOUT_MINIMUM = env.integer("PORTICO_PAYOUT_MINIMUM", 1, least=0)
# How partners pay, as it stands on invoices: the bank account, for instance.
PAYMENT_INSTRUCTIONS = env.text("PORTICO_PAYMENT_INSTRUCTIONS", "")

# --- partners ---------------------------------------------------------------------------------------------------------
# Days after its closing for which a partner can be restored, before its personal data may be erased.
ERASURE_WAIT_DAYS = env.integer("PORTICO_ERASURE_WAIT_DAYS", 30, least=0, most=3_650)

# --- pages -----------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]
LOCALE_PATHS = [ROOT / "locale"]
STATIC_URL = "/static/"
STATIC_ROOT = env.path("PORTICO_STATIC_ROOT", HOME / "static")
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
MEDIA_ROOT = env.path("PORTICO_FILES", HOME / "files")
# Bodies are bounded as they come in, by the gateway (`gateway.upstream`) or a proxy; what was let in can be read whole, as an
# answer that is stored for its Idempotency-Key wants it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 21 * 1024 * 1024
# Where a virus scanner (clamd) looks at what partners upload: `clamd://host:3310` or `clamd:///run/clamav/clamd.ctl`.
# Until it has seen a document, nobody can open it.
SCANNER_URL = env.text("PORTICO_SCANNER_URL", "")
# Signed heads of the event log, appended hourly. Ship this file off the machine: it shows a tail that was cut off.
AUDIT_EXPORT = env.path("PORTICO_AUDIT_EXPORT", HOME / "audit" / "heads.jsonl")
# Attempts of webhooks, and the data of events, which is also the audit log's: 0 keeps it for ever.
WEBHOOK_ATTEMPTS_KEPT = timedelta(days=env.integer("PORTICO_WEBHOOK_ATTEMPT_DAYS", 90, least=1, most=3_650))
_event_data_days = env.integer("PORTICO_EVENT_DATA_DAYS", 0, least=0, most=3_650)
EVENT_DATA_KEPT = timedelta(days=_event_data_days) if _event_data_days else None
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"

# --- observation -----------------------------------------------------------------------------------------------------
LOGGING_CONFIG = "core.logs.configure"
LOGGING = {"level": env.choice("PORTICO_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")}
LOG_FORMAT = env.choice("PORTICO_LOG_FORMAT", ("json", "console"), "json")
if sentry_dsn := env.text("PORTICO_SENTRY_DSN", ""):
    sentry.start(sentry_dsn, release=VERSION, environment=MODE)
# Bearer token that a Prometheus server sends to /metrics; without one /metrics answers to loopback only.
METRICS_TOKEN = env.text("PORTICO_METRICS_TOKEN", "")

if PRODUCTION:
    if not BASE_URL.startswith("https://"):
        env.problem("PORTICO_BASE_URL must start with https:// in production")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        env.problem("PORTICO_ALLOWED_HOSTS must name the hosts this installation answers for, without *")
    if ALLOW_LOCAL_TARGETS:
        env.problem("PORTICO_ALLOW_LOCAL_TARGETS must be 0 in production: webhooks could reach your internal network")
    if DEMO:
        env.problem("PORTICO_DEMO must be 0 in production: it shows mail and seeds known sign-ins")
    if not OPERATOR_MFA_REQUIRED:
        env.problem("PORTICO_OPERATOR_MFA_REQUIRED must be 1 in production")
    if not _mail.startswith(("smtp+tls://", "smtp+ssl://", "smtps://", "submission://")):
        env.problem("PORTICO_MAIL_URL must be an smtp+tls:// or smtp+ssl:// address in production")
    if not env.given("PORTICO_MAIL_FROM"):
        env.problem("PORTICO_MAIL_FROM must name the sender of the platform's mail")
if not ENCRYPTION_KEYS:
    env.problem("PORTICO_ENCRYPTION_KEYS is not set; `python -m core.crypto` prints a new key")
env.refuse_if_unsafe()
