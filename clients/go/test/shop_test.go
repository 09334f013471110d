package test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/s2-streamstore/s2-sdk-go/s2"

	"github.com/s2mock/s2mock/clients/go/s2mock"
)

// What the tests use: a shop on the official SDK.

var (
	ctx  = context.Background()
	shop = s2mock.AccountOptions{Basins: []s2mock.Basin{{Name: "shop-basin", Streams: s2mock.Streams("orders")}}}
	lost = s2mock.Fail{Code: s2mock.CodeUnavailable, Committed: true}
)

// open makes an account for a test that is parallel to the others.
func open(t *testing.T, options s2mock.AccountOptions) *s2mock.Account {
	t.Helper()
	t.Parallel()
	return s2mock.New(t, options)
}

// connect makes a client whose retries wait no time.
func connect(client *s2mock.Client) *s2.Client {
	return s2.New(client.Token, &s2.ClientOptions{
		BaseURL:          client.BaseURL(),
		MakeBasinBaseURL: client.BasinBaseURL,
		RequestTimeout:   100 * time.Second,
		RetryConfig:      &s2.RetryConfig{MaxAttempts: 3, MinBaseDelay: 1, MaxBaseDelay: 1},
	})
}

func ordersOf(client *s2mock.Client) *s2.StreamClient {
	return connect(client).Basin("shop-basin").Stream("orders")
}

func appendTo(ctx context.Context, stream *s2.StreamClient, body string, at *uint64) error {
	input := &s2.AppendInput{Records: []s2.AppendRecord{{Body: []byte(body)}}, MatchSeqNum: at}
	_, err := stream.Append(ctx, input)
	if at != nil && statusOf(err) == http.StatusPreconditionFailed {
		return nil
	}
	return err
}

func read(ctx context.Context, stream *s2.StreamClient) ([]string, error) {
	batch, err := stream.Read(ctx, &s2.ReadOptions{SeqNum: s2.Uint64(0), Clamp: s2.Bool(true)})
	if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var bodies []string
	for _, record := range batch.Records {
		bodies = append(bodies, string(record.Body))
	}
	return bodies, nil
}

// ship ships each item once. This careless one sends it again when an answer is lost.
func ship(ctx context.Context, client *s2mock.Client, items ...string) error {
	for _, item := range items {
		if err := appendTo(ctx, ordersOf(client), item, nil); err != nil {
			return err
		}
	}
	return nil
}

func shipOnce(ctx context.Context, client *s2mock.Client, items ...string) error {
	stream := ordersOf(client)
	for {
		at, err := stream.CheckTail(ctx)
		if err != nil || at.Tail.SeqNum >= uint64(len(items)) {
			return err
		}
		if err := appendTo(ctx, stream, items[at.Tail.SeqNum], &at.Tail.SeqNum); err != nil {
			return err
		}
	}
}

// take takes the one seat. This careless one looks, and then takes.
func take(ctx context.Context, client *s2mock.Client, name string) error {
	at, err := ordersOf(client).CheckTail(ctx)
	if err != nil || at.Tail.SeqNum > 0 {
		return err
	}
	return appendTo(ctx, ordersOf(client), name, nil)
}

func takeIfFree(ctx context.Context, client *s2mock.Client, name string) error {
	return appendTo(ctx, ordersOf(client), name, s2.Uint64(0))
}

func statusOf(err error) int {
	var refused *s2.S2Error
	if errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ok returns a function that takes the results of a call, and fails the test if there is an error.
func ok[Value any](value Value, err error) func(*testing.T) Value {
	return func(t *testing.T) Value {
		t.Helper()
		noError(t, err)
		return value
	}
}

func equal[Value comparable](t *testing.T, found, wanted Value) {
	t.Helper()
	if found != wanted {
		t.Fatalf("found %v, wanted %v", found, wanted)
	}
}

func are(t *testing.T, found []string, wanted ...string) {
	t.Helper()
	if !slices.Equal(found, wanted) {
		t.Fatalf("found %q, wanted %q", found, wanted)
	}
}
