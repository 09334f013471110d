// Calls of the documentation, with the client that oapi-codegen generates, against a server. It
// prints each request, as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/oapi-codegen/nullable"

	"s2mock/control/control"
)

var (
	ctx   = context.Background()
	url   = os.Getenv("S2MOCK_URL")
	token string
)

func ptr[T any](value T) *T { return &value }

func check(condition bool, what string) {
	if !condition {
		log.Fatal(what)
	}
}

// printed prints a request that the client sends, and adds the token of the account.
func printed(_ context.Context, request *http.Request) error {
	var body any
	if request.GetBody != nil {
		copied, err := request.GetBody()
		if err != nil {
			return err
		}
		if err := json.NewDecoder(copied).Decode(&body); err != nil && err != io.EOF {
			return err
		}
	}
	line, err := json.Marshal([]any{request.Method, request.URL.RequestURI(), body})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// s2 is the code under test: a client of S2. It returns the status, or 0 if the connection broke.
func s2(method, path, body string) int {
	request, err := http.NewRequest(method, url+path, strings.NewReader(body))
	check(err == nil, "the request is valid")
	request.Header.Set("S2-Basin", "my-basin")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func appended(stream string) int {
	return s2("POST", "/v1/streams/"+stream+"/records", `{"records": [{"body": "a book"}]}`)
}

// on returns the operations of a request: one, or several.
func on(names ...control.Operation) (operations control.Operations) {
	if len(names) == 1 {
		check(operations.FromOperation(names[0]) == nil, "one operation")
	} else {
		check(operations.FromOperationList(names) == nil, "several operations")
	}
	return operations
}

// faults returns the faults of a request: one.
func faults(one control.Fault) (faults control.Faults) {
	check(faults.FromFault(one) == nil, "a fault")
	return faults
}

func fail(arguments control.Fail) (fault control.Fault) {
	check(fault.FromFailFault(control.FailFault{Fail: arguments}) == nil, "Fail")
	return fault
}

func drop(arguments control.Drop) (fault control.Fault) {
	check(fault.FromDropFault(control.DropFault{Drop: arguments}) == nil, "Drop")
	return fault
}

func main() {
	client, err := control.NewClientWithResponses(url, control.WithRequestEditorFn(printed))
	check(err == nil, "a client")
	inject := func(request control.FaultRequest) *control.InjectedFault {
		answer, err := client.InjectWithResponse(ctx, request)
		check(err == nil && answer.JSON201 != nil, "the fault is injected")
		return answer.JSON201
	}

	var basin control.BasinSeed
	check(basin.FromBasinName("my-basin") == nil, "a basin")
	var kind control.ClockOption
	check(kind.FromClockKind(control.ClockKindManual) == nil, "a clock")
	account, err := client.MakeAccountWithResponse(ctx, control.AccountRequest{
		Basins: &[]control.BasinSeed{basin}, Clock: &kind,
	})
	check(err == nil && account.JSON201 != nil, "an account")
	token = account.JSON201.Token
	check(s2("PUT", "/_s2mock/v1/streams/log", "") == 201, "the stream is made")
	snapshot, err := client.TakeSnapshotWithBodyWithResponse(ctx, "application/json", strings.NewReader(""))
	check(err == nil && snapshot.JSON201 != nil, "a snapshot")

	hold, err := client.HoldWithResponse(ctx, control.HoldRequest{
		On: on(control.OperationAppend), At: ptr(control.HoldPointCommit),
	})
	check(err == nil && hold.JSON201 != nil, "a hold")
	number := hold.JSON201.Number
	dropped := make(chan int)
	go func() { dropped <- appended("log") }()
	held, err := client.GetHoldWithResponse(ctx, number, &control.GetHoldParams{Count: ptr(1), Wait: ptr(5.0)})
	check(err == nil && held.JSON200 != nil, "the append is held")
	check(*held.JSON200.Exchanges[0].Operation == control.OperationAppend, "an append is held")
	released, err := client.ReleaseWithResponse(ctx, number, control.ReleaseRequest{
		Exchange: ptr(1), Fault: ptr(drop(control.Drop{})),
	})
	check(err == nil && released.JSON200 != nil, "it is released")
	check(<-dropped == 0, "the append is dropped")

	unavailable := fail(control.Fail{Code: control.S2ErrorCodeUnavailable, Committed: ptr(true)})
	inject(control.FaultRequest{On: on(control.OperationAppend), Fault: faults(unavailable)})
	check(appended("log") == 503, "the append fails")
	journal, err := client.ReadJournalWithResponse(ctx, &control.ReadJournalParams{
		Operation: &[]control.Operation{control.OperationAppend},
		Status:    ptr(503), Count: ptr(1), Wait: ptr(5.0),
	})
	check(err == nil && journal.JSON200 != nil, "the journal")
	failed := journal.JSON200.Exchanges[0]
	check(*failed.Effect.Kind == control.EffectKindAppended, "it has taken effect")
	arguments, err := failed.Fault.AsFailFault()
	check(err == nil && arguments.Fail.Code == control.S2ErrorCodeUnavailable, "its fault")

	inject(control.FaultRequest{
		On: on(control.OperationAppend), Stream: ptr("orders/*"), Fault: faults(unavailable),
	})
	var text control.Bytes
	check(text.FromText("<html>") == nil, "a body")
	var headers control.Headers
	check(headers.FromHeaderMap(control.HeaderMap{"content-type": "text/html"}) == nil, "headers")
	var answer control.Fault
	proxied := control.Answer{Status: 502, Body: &text, Headers: &headers}
	check(answer.FromAnswerFault(control.AnswerFault{Answer: proxied}) == nil, "Answer")
	inject(control.FaultRequest{On: on(control.OperationAppend), Fault: faults(answer)})
	var late control.Fault
	applied := control.Late{Seconds: ptr(1.5), Code: ptr(control.S2ErrorCodeStorage)}
	check(late.FromLateFault(control.LateFault{Late: applied}) == nil, "Late")
	inject(control.FaultRequest{On: on(control.OperationAppend), Fault: faults(late)})
	var list control.Faults
	check(list.FromFaultList([]*control.Fault{ptr(drop(control.Drop{Refused: ptr(true)})), nil}) == nil, "a list")
	refused, err := client.InjectWithResponse(ctx, control.FaultRequest{
		On:    on(control.OperationRead, control.OperationCheckTail),
		Fault: list, Times: nullable.NewNullNullable[int](),
	})
	check(err == nil && refused.JSON400.Code == control.ErrorCodeBadRequest, "a list goes without times")
	var cut control.Fault
	check(cut.FromCutFault(control.CutFault{Cut: control.Cut{Records: ptr(2)}}) == nil, "Cut")
	injected := inject(control.FaultRequest{
		On: on(control.OperationRead), Fault: faults(cut),
		Times: nullable.NewNullNullable[int](), Required: ptr(false),
	})
	check(injected.Times == nil && injected.Remaining == nil, "it stays until it is removed")
	check(appended("log") == 502, "a proxy answers")
	all, err := client.ListFaultsWithResponse(ctx)
	check(err == nil && all.JSON200 != nil, "the faults")
	complaints := 0
	for _, one := range all.JSON200.Faults {
		if one.Complaint != nil {
			complaints++
			removed, err := client.RemoveFaultWithResponse(ctx, one.Number)
			check(err == nil && removed.StatusCode() == 204, "the fault is removed")
		}
	}
	check(complaints == 2, "two faults have not fired")

	clock, err := client.AdvanceWithResponse(ctx, control.AdvanceRequest{Seconds: 60})
	check(err == nil && clock.JSON200.Clock == control.ClockKindManual, "the clock is manual")
	look, err := client.LookAtRecordsWithResponse(ctx, &control.LookAtRecordsParams{
		Basin: "my-basin", Stream: "log", Count: ptr(1), Wait: ptr(5.0),
	})
	check(err == nil && string(*look.JSON200.Records[0].Body) == "a book", "the record is there")
	stream, err := client.LookAtStreamWithResponse(ctx, &control.LookAtStreamParams{Basin: "my-basin", Stream: "log"})
	check(err == nil && *stream.JSON200.Config.RetentionPolicy.Age == 7*24*3600, "the stream keeps its records for a week")
	restored, err := client.RestoreWithResponse(ctx, snapshot.JSON201.Number)
	check(err == nil && restored.StatusCode() == 204, "the snapshot is restored")
	missing, err := client.LookAtStreamWithResponse(ctx, &control.LookAtStreamParams{Basin: "my-basin", Stream: "none"})
	check(err == nil && missing.JSON404.Code == control.S2ErrorCodeStreamNotFound, "S2's error has its code")
	var plan control.CampaignRequest
	check(plan.FromOrdersCampaign(control.OrdersCampaign{
		Kind: control.OrdersCampaignKindOrders, Actors: []string{"a", "b"},
		Options: &control.AccountRequest{Basins: &[]control.BasinSeed{basin}},
	}) == nil, "a campaign")
	campaign, err := client.MakeCampaignWithResponse(ctx, plan)
	check(err == nil && campaign.JSON201 != nil, "the campaign")
	attempt, err := client.BeginAttemptWithResponse(ctx, campaign.JSON201.Number)
	check(err == nil && attempt.JSON201 != nil, "an attempt")
	at := attempt.JSON201
	for _, actor := range at.Actors {
		ended, err := client.EndActorWithResponse(ctx, at.Campaign, at.Number, actor.Name)
		check(err == nil && ended.JSON200 != nil, "the actor has ended")
	}
	done, err := client.EndAttemptWithResponse(ctx, at.Campaign, at.Number, control.AttemptEnd{
		Outcome: control.AttemptOutcomeFailed, Message: ptr("two records"),
	})
	check(err == nil && *done.JSON200.Outcome == control.CampaignAttemptOutcomeFailed, "it has failed")
	report, err := client.ReportCampaignWithResponse(ctx, at.Campaign, nil)
	check(err == nil && report.JSON200.Failures[0].Replay == nil, "nothing to replay")
	left, err := client.EndCampaignWithResponse(ctx, at.Campaign)
	check(err == nil && left.StatusCode() == 204, "the campaign has ended")
	ended, err := client.EndAccountWithResponse(ctx)
	check(err == nil && ended.StatusCode() == 204, "the account has ended")
}
