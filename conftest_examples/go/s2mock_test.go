// The powers of s2mock, for `go test`. Copy this file into your package.
// The server is the one that the environment names: `python -m s2mock run -- go test ./...` starts
// one. Each test takes an account of its own there, so that tests run in parallel.
package orders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
)

// M is a JSON object, as in M{"Fail": M{"code": "unavailable", "committed": true}}.
type M map[string]any

// Exchange is what was asked and answered, as far as the tests look at it.
type Exchange struct {
	Request  struct{ Document M }
	Response *struct{ Status int }
	Effect   struct{ Committed bool }
}

// S2Mock is an account; the code under test is given its URL and its token.
type S2Mock struct {
	URL, Token string
	t          *testing.T
}

// NewS2Mock makes an account, with options such as basins and clock. It ends with the test, and
// fails it if a fault never fired or a hold held nothing.
func NewS2Mock(t *testing.T, options M) *S2Mock {
	t.Helper()
	s2 := &S2Mock{URL: os.Getenv("S2_ACCOUNT_ENDPOINT"), t: t}
	var made struct{ Token string }
	s2.Call("POST", "/accounts", options, &made)
	s2.Token = made.Token
	t.Cleanup(func() {
		var left struct{ Faults, Holds []struct{ Complaint string } }
		s2.Call("GET", "/faults", nil, &left)
		s2.Call("GET", "/holds", nil, &left)
		s2.Call("DELETE", "/accounts", nil, nil)
		for _, one := range append(left.Faults, left.Holds...) {
			if one.Complaint != "" {
				t.Error(one.Complaint)
			}
		}
	})
	return s2
}

// Call asks for anything under /_s2mock, and reads the answer into what `into` points to.
func (s2 *S2Mock) Call(method, path string, body, into any) {
	s2.t.Helper()
	if err := s2.send(method, path, body, into); err != nil {
		s2.t.Fatal(err)
	}
}

func (s2 *S2Mock) send(method, path string, body, into any) error {
	var sent []byte
	if body != nil {
		sent, _ = json.Marshal(body)
	}
	request, err := http.NewRequest(method, s2.URL+"/_s2mock"+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if s2.Token != "" {
		request.Header.Set("Authorization", "Bearer "+s2.Token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s %v", method, path, answer.StatusCode, data, err)
	} else if text, ok := into.(*string); ok {
		*text = string(data)
	} else if into != nil && len(data) > 0 {
		return json.Unmarshal(data, into)
	}
	return nil
}
