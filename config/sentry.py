"""Reports of errors to a Sentry server, where an operator has named one."""


def start(dsn: str, *, release: str, environment: str) -> None:
    """Report errors there, without bodies or the frames' local variables: they hold credentials and people's data, as in
    `core.logs`."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )
