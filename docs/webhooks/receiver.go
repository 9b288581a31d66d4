// A receiver of webhooks: verifies what arrives, keeps it once in a folder, and answers at once.
//
//	WEBHOOK_KEYS="whsec_…" PORT=8000 INBOX=inbox go run receiver.go
//
// Go 1.19 or newer, and nothing else. A key is a shared secret (`whsec_…`) or a public key (`whpk_…`).
package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	tolerance = 300 // seconds
	largest   = 1024 * 1024
)

var (
	number = regexp.MustCompile(`^[0-9]{1,12}$`)
	name   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
)

// verify says whether one of the keys fits one of the signatures, and the message is neither old nor from the future.
func verify(keys []string, id, timestamp, signatures string, body []byte, now int64) bool {
	if !number.MatchString(timestamp) {
		return false
	}
	at, _ := strconv.ParseInt(timestamp, 10, 64)
	if now-at > tolerance || at-now > tolerance {
		return false
	}
	signed := append([]byte(id+"."+timestamp+"."), body...)
	for _, key := range keys {
		for _, signature := range strings.Split(signatures, " ") {
			if fits(key, signed, signature) {
				return true
			}
		}
	}
	return false
}

// fits: `v1` is HMAC-SHA-256 with a shared secret, `v1a` Ed25519 with a public key; others are of versions to come.
func fits(key string, signed []byte, signature string) bool {
	prefix, encoded, _ := strings.Cut(key, "_")
	version, encodedSignature, _ := strings.Cut(signature, ",")
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	given, err := base64.StdEncoding.DecodeString(encodedSignature)
	if err != nil {
		return false
	}
	switch {
	case prefix == "whsec" && version == "v1":
		mac := hmac.New(sha256.New, secret)
		mac.Write(signed)
		return hmac.Equal(mac.Sum(nil), given)
	case prefix == "whpk" && version == "v1a":
		return len(secret) == ed25519.PublicKeySize && ed25519.Verify(secret, signed, given)
	}
	return false
}

// keep puts it into the inbox, whole or not at all; false if it has been there. What does the work takes it from there.
func keep(inbox, id string, body []byte) (bool, error) {
	part, err := os.CreateTemp(inbox, ".part-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	if _, err = part.Write(body); err != nil {
		return false, err
	}
	if err = part.Sync(); err != nil {
		return false, err
	}
	err = os.Link(part.Name(), filepath.Join(inbox, id+".json"))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func receive(keys []string, inbox string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest)) // as it came: not parsed, not decoded
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		id := r.Header.Get("webhook-id")
		known := verify(keys, id, r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body, time.Now().Unix())
		if !known || !name.MatchString(id) { // it becomes the name of a file
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fresh, err := keep(inbox, id, body)
		if err != nil {
			log.Print(err)
			w.WriteHeader(http.StatusInternalServerError) // it is sent again
			return
		}
		if fresh {
			fmt.Println("received", id)
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	inbox := setting("INBOX", "inbox")
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		Addr:        "127.0.0.1:" + setting("PORT", "8000"),
		Handler:     receive(strings.Fields(os.Getenv("WEBHOOK_KEYS")), inbox),
		ReadTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
