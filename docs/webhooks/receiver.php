<?php
/* A receiver of webhooks: verifies what arrives, keeps it once in a folder, and answers at once.
 *
 *     WEBHOOK_KEYS="whsec_…" INBOX=inbox php -S 127.0.0.1:8000 receiver.php
 *
 * PHP 8.0 or newer, with nothing but its own extension sodium for a public key (`whpk_…`) instead of a shared secret.
 */
declare(strict_types=1);

const TOLERANCE = 300; // seconds
const LARGEST = 1024 * 1024;

/** Whether one of the keys fits one of the signatures, and the message is neither old nor from the future. */
function verify(array $keys, string $id, string $timestamp, string $signatures, string $body, int $now): bool
{
    if (!preg_match('/\A[0-9]{1,12}\z/', $timestamp) || abs($now - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    $signed = "$id.$timestamp.$body";
    foreach ($keys as $key) {
        foreach (explode(' ', $signatures) as $signature) {
            if (fits($key, $signed, $signature)) {
                return true;
            }
        }
    }
    return false;
}

/** `v1` is HMAC-SHA-256 with a shared secret, `v1a` Ed25519 with a public key; others are of versions to come. */
function fits(string $key, string $signed, string $signature): bool
{
    [$prefix, $encoded] = explode('_', $key, 2) + ['', ''];
    [$version, $encodedSignature] = explode(',', $signature, 2) + ['', ''];
    $bytes = base64_decode($encoded, true);
    $given = base64_decode($encodedSignature, true);
    if ($bytes === false || $given === false) {
        return false;
    }
    if ($prefix === 'whsec' && $version === 'v1') {
        return hash_equals(hash_hmac('sha256', $signed, $bytes, true), $given);
    }
    if ($prefix === 'whpk' && $version === 'v1a') {
        return strlen($bytes) === SODIUM_CRYPTO_SIGN_PUBLICKEYBYTES && strlen($given) === SODIUM_CRYPTO_SIGN_BYTES
            && sodium_crypto_sign_verify_detached($given, $signed, $bytes);
    }
    return false;
}

/** Put it into the inbox, whole or not at all; false if it has been there. What does the work takes it from there. */
function keep(string $inbox, string $id, string $body): bool
{
    $part = tempnam($inbox, '.part-');
    try {
        if (file_put_contents($part, $body) !== strlen($body)) {
            throw new RuntimeException('The inbox takes nothing.');
        }
        if (@link($part, "$inbox/$id.json")) {
            return true;
        }
        if (file_exists("$inbox/$id.json")) {
            return false;
        }
        throw new RuntimeException('The inbox takes no links.');
    } finally {
        unlink($part);
    }
}

function receive(array $keys, string $inbox): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    $body = file_get_contents('php://input', false, null, 0, LARGEST + 1); // as it came: not parsed, not decoded
    if (strlen($body) > LARGEST) {
        return 413;
    }
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    if (!verify($keys, $id, $timestamp, $signatures, $body, time())) {
        return 400;
    }
    if (!preg_match('/\A[A-Za-z0-9_-]{1,100}\z/', $id)) {
        return 400; // it becomes the name of a file
    }
    if (keep($inbox, $id, $body)) {
        error_log("received $id");
    }
    return 204;
}

if (PHP_SAPI !== 'cli') {
    http_response_code(500); // it is sent again, unless all goes well
    $inbox = getenv('INBOX') ?: 'inbox';
    is_dir($inbox) || mkdir($inbox, 0700, true);
    http_response_code(receive(preg_split('/\s+/', (string) getenv('WEBHOOK_KEYS'), -1, PREG_SPLIT_NO_EMPTY), $inbox));
}
