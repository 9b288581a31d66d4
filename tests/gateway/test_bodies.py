"""Request bodies: bounded, of known length or not, and never two requests in one."""

PATH = "/api/partner/v1/keys"
LARGEST = 10 * 1024 * 1024


def test_a_body_that_says_it_is_too_large_is_refused_unread(gateway, acme):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {acme.key().text}\r\nContent-Length: {LARGEST + 1}\r\n\r\n"
    answer = gateway.raw(head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"body_too_large"' in answer
    assert b'"limit":10485760' in answer


def test_a_body_of_unknown_length_is_stopped_at_the_limit(gateway, acme):
    def parts():
        for _ in range(LARGEST // 65536 + 2):
            yield b" " * 65536

    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    headers = {"X-API-Key": acme.key().text, "Content-Type": "application/json"}
    connection.request("POST", PATH, body=parts(), headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, b'"body_too_large"' in answer.read()) == (413, True)


def test_a_chunked_body_arrives_whole(gateway, acme):
    import http.client
    import json

    text = json.dumps({"name": "Chunked", "environment": "test", "scopes": ["partner:read"]}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    headers = {"X-API-Key": acme.key().text, "Content-Type": "application/json"}
    connection.request("POST", PATH, body=iter([text[:10], text[10:]]), headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["name"]) == (201, "Chunked")


def test_a_length_beside_chunks_smuggles_nothing(gateway, acme):
    key = acme.key().text
    inner = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n"
    body = "0\r\n\r\n" + inner
    head = (
        f"POST /api/partner/v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    assert gateway.raw((head + body).encode()).count(b"HTTP/1.1 ") <= 1


def test_two_lengths_are_refused(gateway):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc"
    assert gateway.raw(head.encode()).startswith(b"HTTP/1.1 400 ")


def test_too_large_headers_are_refused(gateway):
    headers = {f"X-Filler-{number}": "x" * 1000 for number in range(40)}
    gateway.get(PATH, headers=headers).expect_problem(400, "malformed_request")
