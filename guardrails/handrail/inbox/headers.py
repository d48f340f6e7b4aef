"""What a browser is told about every answer: where content may come from, and that nothing is kept."""

from starlette.datastructures import MutableHeaders

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Without any referrer a browser sends no origin with a form, and the origin is checked.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ONE_YEAR_S = 31_536_000


def protect(headers: MutableHeaders, *, is_secure: bool, is_static: bool) -> None:
    """Add the headers of one answer.

    Args:
        headers: of the answer; a `cache-control` that is there stays.
        is_secure: whether people reach the inbox by https only.
        is_static: whether it is a file that is the same for everybody.
    """
    for name, value in _ALWAYS.items():
        headers[name] = value
    if is_secure:
        headers["strict-transport-security"] = f"max-age={_ONE_YEAR_S}"
    if is_static:
        headers.setdefault("cache-control", f"public, max-age={_ONE_YEAR_S}, immutable")
    else:
        # The page behind the back button is asked for again: it may have been decided since.
        headers.setdefault("cache-control", "no-store")
        headers.add_vary_header("Cookie")
