"""What a request to Django passes before its view, from the outside in: of a page, and of a call of the API."""

MIDDLEWARE = [
    "core.middleware.CallMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.ProblemMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.RequestLogMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "partners.sessions.SeenMiddleware",
    "portal.console.ConsoleMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

# Calls of the API, which the gateway let through and measures: no session, no cookie, no page. See config/wsgi.py.
API_MIDDLEWARE = [
    "core.middleware.CallMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.middleware.ProblemMiddleware",
    "core.middleware.CallLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "core.middleware.CallLogMiddleware",
]
