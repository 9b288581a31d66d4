"""The upstream of the demo's integration: answers with what it was told of a call."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

SHOWN = frozenset({"Content-Type", "Accept", "User-Agent", "Idempotency-Key"})


@csrf_exempt
def echo(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Method, path, query, body and the headers that tell who calls."""
    headers = {name: value for name, value in request.headers.items() if name in SHOWN or name.startswith(("X-P", "X-K", "X-S"))}
    told = {"method": request.method, "path": f"/{rest}", "query": request.GET.dict(), "headers": headers}
    return JsonResponse({**told, "body": request.body.decode("utf-8", "replace")[:10_000]})
