"""Settings, all from the environment; docs/SETTINGS.md lists every variable and a test holds it to that."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from realtime_site.environment import Environment, WrongSetting
from realtime_site.secret_key import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent

# Each variable may also be given as NAME_FILE, the path of a file that holds it: a secret in a volume, say.
env = Environment()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# Where the embedded default keeps its database, key and collected files.
VAR_DIR = Path(env.text("VAR_DIR", default=str(BASE_DIR / "var")))

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY", default="") or kept_secret(VAR_DIR / "secret_key")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Full origins (scheme, host, port) that may write with a cookie and open a WebSocket, besides the site's own.
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", default=[], subdomains=True)

# Behind a proxy that ends TLS and sets this header itself, whatever the client sent.
if env.flag("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Sent over TLS only.
SECURE_HSTS_SECONDS = env.integer("HSTS_S", default=0, at_least=0)
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # other hosts of the domain may be somebody else's affair …
    "security.W021",  # … and so is the domain's place in the browsers' lists
    "security.W008",  # the proxy redirects to TLS, as Caddy does by itself
    "security.W012",  # SecureCookies: over TLS every cookie is Secure, and over plain HTTP one can still sign in
    "security.W016",
]

INSTALLED_APPS = [
    "apps.server",  # before daphne, so that runserver is on it
    "daphne",  # before staticfiles
    "apps.operations.admin_site.SiteAdminConfig",  # django.contrib.admin, with the Live page
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "axes",
    "ninja",  # for the files of its documentation's page
    "apps.events",
    "apps.access",
    "apps.transports",
    "apps.audit",
    "apps.notifications",
    "apps.chat",
    "apps.article",
    "apps.assistant",
    "apps.api",
    "apps.operations",
    "apps.bell",
    "apps.accounts",
    "apps.benchmark",
    "apps.demos",
    "apps.lab",
]

MIDDLEWARE = [
    "apps.access.answer_headers.AnswerHeaders",
    "django.middleware.security.SecurityMiddleware",
    "apps.access.secure_cookies.SecureCookies",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.audit.actor.acting_user",
    "apps.access.admin_addresses.AdminAddresses",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it puts its page in place of the sign-in's answer
]

ROOT_URLCONF = "realtime_site.urls"
ASGI_APPLICATION = "realtime_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# PostgreSQL's connections are never kept by a thread (threads come and go under ASGI) but by the pool, which checks
# them before each use, so that no task survives a server restart with a dead one. SQLite has no server to lose, and
# opening the file anew costs more than the queries of the log: the log's few threads keep theirs for a minute.
database_url = env.text("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'site.sqlite3'}")
DATABASES = {"default": env.database(database_url)}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # Django's, whose writers queue up: see there.
    DATABASES["default"]["ENGINE"] = "apps.events.sqlite"
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["OPTIONS"] = {
        # Beside another process that writes for long, a migration say, 5 s are soon over.
        "timeout": 20,
        # A deferred transaction that turns into a writer fails at once with "database is locked"; an immediate
        # one waits its turn.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # A file in tests too: an in-memory database has no write-ahead log and locks whole tables.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["OPTIONS"] = {
        # A network that died without a word must not hold a thread for the quarter of an hour that Linux would try:
        # 5 s to connect, 15 s for what was sent and not taken, 25 s of silence while an answer is awaited.
        "connect_timeout": 5,
        "tcp_user_timeout": 15_000,  # ms
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        # A statement that comes again and again is read and planned once a connection (docs/decisions/0012).
        **(
            {"server_side_binding": True, "prepare_threshold": 5}
            if env.flag("DATABASE_PREPARED_STATEMENTS", default=True)
            else {}
        ),
        # What the URL says (`?sslmode=require`) comes last.
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": env.integer("DATABASE_POOL_SIZE", default=10, at_least=1),
            "timeout": 5,
            # The longer it goes on trying, the longer its pauses grow: a database that is back after five minutes
            # would be left alone for another two.
            "reconnect_timeout": 5,
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis("REDIS_URL", default="")
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "realtime"},
        }
    }
else:
    # It forgets a group's members after `group_expiry` seconds; the feed's one subscription outlives any default.
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"group_expiry": 10**9}}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = ["apps.accounts.lockout.Backend"]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "accounts:account"

# So many wrong passwords for a name from an address; the failures of so many seconds count.
SIGN_IN_ATTEMPTS = env.integer("SIGN_IN_ATTEMPTS", default=5, at_least=1)
SIGN_IN_LOCKOUT_S = env.decimal("SIGN_IN_LOCKOUT_S", default=900.0, at_least=1)
AXES_HANDLER = "apps.accounts.lockout.Attempts"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address", "username"]  # in the order of lockout.COUNTED
AXES_CLIENT_IP_CALLABLE = "apps.accounts.lockout.lockout_address"
AXES_LOCKOUT_CALLABLE = "apps.accounts.lockout.locked_out"
AXES_FAILURE_LIMIT = SIGN_IN_ATTEMPTS
AXES_COOLOFF_TIME = timedelta(seconds=SIGN_IN_LOCKOUT_S)
# Otherwise who goes on trying keeps the door shut for its owner, and the page could not say when to try again.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has it
AXES_ENABLE_ADMIN = False  # it speaks no Chinese; `manage.py axes_reset_username` lets somebody in again
AXES_VERBOSE = False

# From where the admin may be used; empty: from everywhere.
ADMIN_ADDRESSES = env.networks("ADMIN_ADDRESSES", default=[])
# Whom to tell of a weakness, for /.well-known/security.txt; empty: there is no such file.
SECURITY_CONTACT = env.contact("SECURITY_CONTACT", default="")

# For how long one stays signed in, and for how long a link for a new password works.
SESSION_COOKIE_AGE = env.integer("SESSION_LIFE_S", default=1_209_600, at_least=60)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
PASSWORD_RESET_TIMEOUT = 3 * 86_400  # s; the pages say three days

# Where the site's mail goes: by default to standard output, which is where a site that is tried out is watched.
vars().update(env.email("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10  # s
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", default="five-doors@localhost")
CSRF_FAILURE_VIEW = "apps.api.csrf.csrf_failure"

# The longest that somebody may ask for a token to count, and the origins whose pages may come with one.
TOKEN_LIFE_MAX_S = env.integer("TOKEN_LIFE_MAX_S", default=3_600, at_least=1)
TOKEN_ORIGINS = env.origins("TOKEN_ORIGINS", default=[], everybody=True)

# How often one client may do what, in all processes together (docs/ACCESS.md#limits), and how many connections it may
# keep open in each.
RATES = {
    "open_address": env.rate("RATE_OPEN_ADDRESS", default="6000/min"),
    "open_user": env.rate("RATE_OPEN_USER", default="3000/min"),
    "publish": env.rate("RATE_PUBLISH", default="1200/min"),
    "api_address": env.rate("RATE_API_ADDRESS", default="3000/min"),
    "tokens": env.rate("RATE_TOKENS", default="60/min"),
    "chat_address": env.rate("RATE_CHAT_ADDRESS", default="600/min"),
    "lab_address": env.rate("RATE_LAB_ADDRESS", default="300/min"),
    "reset_address": env.rate("RATE_RESET_ADDRESS", default="20/min"),
    "reset_account": env.rate("RATE_RESET_ACCOUNT", default="10/h"),
    "password_user": env.rate("RATE_PASSWORD_USER", default="3/min"),
}
MAX_CONNECTIONS: dict[str, int | None] = {
    "address": env.integer("MAX_CONNECTIONS_ADDRESS", default=1_000, at_least=1),
    "user": env.integer("MAX_CONNECTIONS_USER", default=200, at_least=1),
}
if not env.flag("CLIENT_LIMITS", default=True):
    RATES, MAX_CONNECTIONS = dict.fromkeys(RATES), dict.fromkeys(MAX_CONNECTIONS)

# Nothing but the site's own files, and no script or style inside a page; the admin keeps to that too.
# [spec] 'self' allows ws: and wss: to the same host as well (CSP Level 3, "Does url match expression in origin").
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # the admin's search field has an icon of this kind
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        # Text never becomes markup: `innerHTML` and its like throw. But for the admin, see operations/admin_site.py.
        "require-trusted-types-for": ["'script'"],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "realtime_site.static_files.ModuleManifestStorage"},
}

# How long a publish waits for the database; after that its outcome is unknown, and it is repeated with its key.
PUBLISH_TIMEOUT_S = env.decimal("PUBLISH_TIMEOUT_S", default=5.0, at_least=0.01)
# How long the audit trail keeps who did what.
AUDIT_KEEP_DAYS = env.integer("AUDIT_KEEP_DAYS", default=400, at_least=1)
# How long the log keeps events, per topic family: the first pattern that fits a topic counts.
EVENTS_RETENTION: list[dict[str, Any]] = [
    {"topics": "notifications", "age_s": 90 * 86_400, "count": 100_000},
    {"topics": "chat.*", "age_s": 30 * 86_400, "count": 10_000},
    {"topics": "lab.*", "age_s": 3_600, "count": 10_000},
    {"topics": "access.moves", "age_s": 3_600, "count": 1_000},
    {"topics": "*", "age_s": 30 * 86_400, "count": 10_000},
]

# Streams: seconds of silence before a heartbeat, and the span in which each stream's life is drawn.
FEED_HEARTBEAT_S = env.decimal("FEED_HEARTBEAT_S", default=15.0, at_least=0.01)
FEED_STREAM_LIFE_S = (
    env.decimal("FEED_STREAM_LIFE_MIN_S", default=1_800.0, at_least=0.01),
    env.decimal("FEED_STREAM_LIFE_MAX_S", default=3_600.0, at_least=0.01),
)
if FEED_STREAM_LIFE_S[0] > FEED_STREAM_LIFE_S[1]:
    raise WrongSetting("FEED_STREAM_LIFE_MIN_S is more than FEED_STREAM_LIFE_MAX_S; expected at most as much")

# Streams share one framing and one pass over their sockets, where the server offers it (docs/decisions/0006).
FEED_FANOUT = env.flag("FEED_FANOUT", default=True)

# The answer that types itself: who answers, at what pace, how long at most, and how many answers at a time.
ASSISTANT_RESPONDER = env.text("ASSISTANT_RESPONDER", default="apps.assistant.guide_responder.GuideResponder")
ASSISTANT_PIECE_DELAY_S = env.decimal("ASSISTANT_PIECE_DELAY_S", default=0.03, at_least=0)
ASSISTANT_TIMEOUT_S = env.decimal("ASSISTANT_TIMEOUT_S", default=120.0, at_least=0.01)
ASSISTANT_MAX_ANSWERS = env.integer("ASSISTANT_MAX_ANSWERS", default=100, at_least=1)
# How long GET /api/long-poll, which takes no parameters, waits for a notification.
ARTICLE_LONG_POLL_S = env.decimal("ARTICLE_LONG_POLL_S", default=25.0, at_least=0)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "realtime_site.log_lines.OneLine",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "{levelname}{name}{message}{process}",
            "style": "{",
            "rename_fields": {"levelname": "level", "name": "logger"},
            "timestamp": "time",
            "json_ensure_ascii": False,
        },
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.text("LOG_FORMAT", default="plain", choices=("plain", "json")),
        }
    },
    "root": {
        "handlers": ["console"],
        "level": env.text("LOG_LEVEL", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")),
    },
    "loggers": {"django.channels.server": {"level": "WARNING"}, "axes": {"level": "WARNING"}},
}
