/* A receiver of webhooks: verifies what arrives, keeps it once in a folder, and answers at once.
 *
 *     WEBHOOK_KEYS="whsec_..." PORT=8000 INBOX=inbox java Receiver.java
 *
 * Java 17 or newer, and nothing else. A key is a shared secret (`whsec_...`) or a public key (`whpk_...`).
 */

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

class Receiver {
    static final long TOLERANCE = 300; // seconds
    static final int LARGEST = 1024 * 1024;
    /** What stands before the 32 bytes of an Ed25519 public key in X.509 (RFC 8410). */
    static final byte[] X509 = HexFormat.of().parseHex("302a300506032b6570032100");

    /** Whether one of the keys fits one of the signatures, and the message is neither old nor from the future. */
    static boolean verify(List<String> keys, String id, String timestamp, String signatures, byte[] body, long now) {
        if (!timestamp.matches("[0-9]{1,12}") || Math.abs(now - Long.parseLong(timestamp)) > TOLERANCE) {
            return false;
        }
        byte[] signed = concat((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8), body);
        return keys.stream().anyMatch(key -> Arrays.stream(signatures.split(" ")).anyMatch(each -> fits(key, signed, each)));
    }

    /** `v1` is HMAC-SHA-256 with a shared secret, `v1a` Ed25519 with a public key; others are of versions to come. */
    static boolean fits(String text, byte[] signed, String signature) {
        String[] key = text.split("_", 2);
        String[] part = signature.split(",", 2);
        if (key.length < 2 || part.length < 2) {
            return false;
        }
        try {
            byte[] bytes = Base64.getDecoder().decode(key[1]);
            byte[] given = Base64.getDecoder().decode(part[1]);
            if (key[0].equals("whsec") && part[0].equals("v1")) {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(new SecretKeySpec(bytes, "HmacSHA256"));
                return MessageDigest.isEqual(mac.doFinal(signed), given);
            }
            if (key[0].equals("whpk") && part[0].equals("v1a")) {
                Signature verifier = Signature.getInstance("Ed25519");
                verifier.initVerify(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(concat(X509, bytes))));
                verifier.update(signed);
                return verifier.verify(given);
            }
            return false;
        } catch (GeneralSecurityException | IllegalArgumentException notOne) {
            return false;
        }
    }

    /** Put it into the inbox, whole or not at all; false if it has been there. What does the work takes it from there. */
    static boolean keep(Path inbox, String id, byte[] body) throws IOException {
        Path part = Files.createTempFile(inbox, ".part-", "");
        try {
            Files.write(part, body, StandardOpenOption.DSYNC);
            Files.createLink(inbox.resolve(id + ".json"), part);
            return true;
        } catch (FileAlreadyExistsException duplicate) {
            return false;
        } finally {
            Files.delete(part);
        }
    }

    static int receive(HttpExchange exchange, List<String> keys, Path inbox) throws IOException {
        if (!exchange.getRequestMethod().equals("POST")) {
            return 405;
        }
        byte[] body = exchange.getRequestBody().readNBytes(LARGEST + 1); // as it came: not parsed, not decoded
        if (body.length > LARGEST) {
            return 413;
        }
        String id = header(exchange, "webhook-id");
        String timestamp = header(exchange, "webhook-timestamp");
        String signatures = header(exchange, "webhook-signature");
        if (!verify(keys, id, timestamp, signatures, body, System.currentTimeMillis() / 1000)) {
            return 400;
        }
        if (!id.matches("[A-Za-z0-9_-]{1,100}")) {
            return 400; // it becomes the name of a file
        }
        if (keep(inbox, id, body)) {
            System.out.println("received " + id);
        }
        return 204;
    }

    static String header(HttpExchange exchange, String name) {
        String value = exchange.getRequestHeaders().getFirst(name);
        return value == null ? "" : value;
    }

    static byte[] concat(byte[] one, byte[] other) {
        byte[] both = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }

    public static void main(String[] arguments) throws IOException {
        Path inbox = Files.createDirectories(Path.of(System.getenv().getOrDefault("INBOX", "inbox")));
        List<String> keys = List.of(System.getenv().getOrDefault("WEBHOOK_KEYS", "").trim().split("\\s+"));
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8000"));
        System.setProperty("sun.net.httpserver.maxReqTime", "10"); // seconds, for whoever sends slowly
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.createContext("/", exchange -> {
            int status = 500; // it is sent again
            try {
                status = receive(exchange, keys, inbox);
            } finally {
                exchange.sendResponseHeaders(status, -1);
                exchange.close();
            }
        });
        server.start();
    }
}
