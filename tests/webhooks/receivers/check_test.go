// As check.py; a test, because the receiver has a main of its own.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var fields []string
		for _, field := range strings.Split(lines.Text(), "\t") {
			decoded, err := base64.StdEncoding.DecodeString(field)
			if err != nil {
				panic(err)
			}
			fields = append(fields, string(decoded))
		}
		now, _ := strconv.ParseInt(fields[5], 10, 64)
		if verify(strings.Fields(fields[0]), fields[1], fields[2], fields[3], []byte(fields[4]), now) {
			fmt.Println(1)
		} else {
			fmt.Println(0)
		}
	}
}
