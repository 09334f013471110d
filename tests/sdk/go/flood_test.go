package sdk

import (
	"os"
	"strconv"
	"testing"

	"github.com/s2-streamstore/s2-sdk-go/s2"
)

// Many small appends at once in one session, as the SDK's defaults allow.
func TestFlood(t *testing.T) {
	ctx := within(t)
	appends, err := strconv.Atoi(os.Getenv("APPENDS"))
	if err != nil {
		t.Fatal(err)
	}
	stream := connect(*s2.DefaultRetryConfig).Stream("logs")
	session, err := stream.AppendSession(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var tickets []*s2.BatchSubmitTicket
	for number := range appends {
		tickets = append(tickets, submit(ctx, t, session, strconv.Itoa(number)))
	}
	for number, ticket := range tickets {
		ack, err := ticket.Ack(ctx)
		if err != nil || ack.Start.SeqNum != uint64(number) {
			t.Fatalf("%d: %+v %v", number, ack, err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	at, err := stream.CheckTail(ctx)
	if err != nil || at.Tail.SeqNum != uint64(appends) {
		t.Fatalf("%+v %v", at, err)
	}
}
