// What the official Go SDK, unmodified, meets here. The tests that run these files say on what server.
package sdk

import (
	"context"
	"testing"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

// connect makes a client from the environment, as a user's program makes it. Nothing but the SDK's
// patience with a busy machine is other than it is by default.
func connect(retries s2.RetryConfig) *s2.BasinClient {
	options := s2.ClientOptions{RequestTimeout: 100 * time.Second, RetryConfig: &retries}
	return s2.NewFromEnvironment(&options).Basin("my-basin")
}

func within(t *testing.T) context.Context {
	t.Helper()
	limited, cancel := context.WithTimeout(context.Background(), 200*time.Second)
	t.Cleanup(cancel)
	return limited
}

func submit(ctx context.Context, t *testing.T, session *s2.AppendSession, body string) *s2.BatchSubmitTicket {
	t.Helper()
	input := s2.AppendInput{Records: []s2.AppendRecord{{Body: []byte(body)}}}
	future, err := session.Submit(&input)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := future.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}
