<?php
// As check.py, with the receiver whose file is named.
require $argv[1];
while (($line = fgets(STDIN)) !== false) {
    [$keys, $id, $timestamp, $signatures, $body, $now] = array_map('base64_decode', explode("\t", rtrim($line, "\n")));
    echo (int) verify(explode(' ', $keys), $id, $timestamp, $signatures, $body, (int) $now), "\n";
}
