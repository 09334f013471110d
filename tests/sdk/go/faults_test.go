package sdk

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

// What the SDK does when something goes wrong. Each stream has its own fault, injected by the test
// that runs this file; the stream's name says which.
var (
	eager   = s2.RetryConfig{MaxAttempts: 3, MinBaseDelay: time.Millisecond, MaxBaseDelay: time.Millisecond}
	careful = s2.RetryConfig{
		MaxAttempts: 3, MinBaseDelay: time.Millisecond, MaxBaseDelay: time.Millisecond,
		AppendRetryPolicy: s2.AppendRetryPolicyNoSideEffects,
	}
)

type appending func(t *testing.T, stream *s2.StreamClient) (uint64, error)

func unary(t *testing.T, stream *s2.StreamClient) (uint64, error) {
	t.Helper()
	ack, err := stream.Append(within(t), &s2.AppendInput{Records: []s2.AppendRecord{{Body: []byte("a")}}})
	if err != nil {
		return 0, err
	}
	return ack.Start.SeqNum, nil
}

func bySession(t *testing.T, stream *s2.StreamClient) (uint64, error) {
	t.Helper()
	ctx := within(t)
	session, err := stream.AppendSession(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer session.Close()
	ack, err := submit(ctx, t, session, "a").Ack(ctx)
	if err != nil {
		return 0, err
	}
	return ack.Start.SeqNum, nil
}

func whole(ctx context.Context, stream *s2.StreamClient, count uint64) (bodies []string, err error) {
	session, err := stream.ReadSession(ctx, &s2.ReadOptions{SeqNum: s2.Uint64(0), Count: &count})
	if err != nil {
		return nil, err
	}
	defer session.Close()
	for session.Next() {
		bodies = append(bodies, string(session.Record().Body))
	}
	return bodies, session.Err()
}

func TestAppends(t *testing.T) {
	for way, place := range map[string]appending{"unary": unary, "session": bySession} {
		for _, is := range []struct {
			name    string
			retries s2.RetryConfig
			at      uint64
			fails   bool
		}{
			{"limited", careful, 0, false},
			{"lost-careful", careful, 0, true},
			{"lost", eager, 1, false},
			{"refused", eager, 0, false},
			{"proxy", eager, 0, false},
		} {
			t.Run(is.name+"-"+way, func(t *testing.T) {
				stream := connect(is.retries).Stream(s2.StreamName(is.name + "-" + way))
				at, err := place(t, stream)
				if at != is.at || (err != nil) != is.fails {
					t.Fatalf("%d %v", at, err)
				}
			})
		}
	}
}

func TestAReaderGoesOnWithoutGapOrDuplicate(t *testing.T) {
	for _, name := range []string{"cut-between", "cut-inside", "reset", "failed", "dropped", "drained"} {
		t.Run(name, func(t *testing.T) {
			bodies, err := whole(within(t), connect(eager).Stream(s2.StreamName(name)), 10)
			if all := strings.Join(bodies, ""); all != "0123456789" || err != nil {
				t.Fatalf("%s %v", all, err)
			}
		})
	}
}

func TestAWriterMissesNothingWhereItIsAdvisedToReconnect(t *testing.T) {
	ctx := within(t)
	session, err := connect(careful).Stream("advised").AppendSession(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for number := range uint64(6) {
		ack, err := submit(ctx, t, session, fmt.Sprint(number)).Ack(ctx)
		if err != nil || ack.Start.SeqNum != number {
			t.Fatalf("%d: %+v %v", number, ack, err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
}
