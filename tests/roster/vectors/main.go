// Makes tests/fixtures/auto-config-cache.json, with the two calls by which the Relay Proxy seals its rows and a fixed nonce:
// `go run main.go > ../../fixtures/auto-config-cache.json`
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
)

func seal(key []byte, text string) string {
	block, _ := aes.NewCipher(key)
	gcm, _ := cipher.NewGCM(block)
	nonce := []byte("twelve bytes")
	return hex.EncodeToString(gcm.Seal(nonce, nonce, []byte(text), nil))
}

func main() {
	const material = "a key for tests"
	derived, _ := hkdf.Key(sha256.New, []byte(material), nil, "ld-relay autoconfig cache", 32)
	hashed := sha256.Sum256([]byte(material))
	data := `{"envID":"66f2","envKey":"staging","projKey":"harbor","mobKey":"mob-1","sdkKey":{"value":"sdk-1"},"version":4}`
	row := func(model string) string {
		return `{"kind":"environment","modelVersion":` + model + `,"data":` + data + `}`
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.Encode(map[string]string{
		"material": material, "nonce": hex.EncodeToString([]byte("twelve bytes")), "data": data,
		"version2": seal(derived, row("2")), "version1": seal(derived, row("1")), "version3": seal(derived, row("3")),
		"hashed": seal(hashed[:], row("2")), "filter": seal(derived, `{"kind":"filter","modelVersion":2,"data":{}}`),
	})
}
