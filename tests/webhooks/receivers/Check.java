// As check.py.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

class Check {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t", -1);
            byte[] body = Base64.getDecoder().decode(fields[4]);
            List<String> keys = List.of(text(fields[0]).split(" "));
            long now = Long.parseLong(text(fields[5]));
            System.out.println(Receiver.verify(keys, text(fields[1]), text(fields[2]), text(fields[3]), body, now) ? 1 : 0);
        }
    }

    static String text(String field) {
        return new String(Base64.getDecoder().decode(field), StandardCharsets.UTF_8);
    }
}
