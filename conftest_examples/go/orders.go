// Package orders keeps orders in a stream, each once.
package orders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// Orders is a stream of orders.
type Orders struct {
	Endpoint, Token, Basin, Stream string
}

type record struct {
	Body string `json:"body"`
}

type batch struct {
	Records     []record `json:"records"`
	MatchSeqNum *uint64  `json:"match_seq_num,omitempty"`
}

// Place puts an order at the end. It tries again where the answer says nothing of what has become
// of it; the condition lets no second try place it twice.
func (o Orders) Place(order string) error {
	var at struct {
		Tail struct {
			SeqNum uint64 `json:"seq_num"`
		} `json:"tail"`
	}
	if _, err := o.call("GET", "/records/tail", nil, &at); err != nil {
		return err
	}
	input := batch{Records: []record{{order}}, MatchSeqNum: &at.Tail.SeqNum}
	for try := 0; ; try++ {
		status, err := o.call("POST", "/records", input, nil)
		if err == nil && status == http.StatusOK {
			return nil
		}
		if status == http.StatusPreconditionFailed && try > 0 {
			// It may be ours, with its answer lost.
			if all, err := o.All(); err == nil && all[at.Tail.SeqNum] == order {
				return nil
			}
		}
		if try == 3 || (err == nil && status < 500) {
			return fmt.Errorf("the order was not placed: status %d, %v", status, err)
		}
	}
}

// All returns all orders.
func (o Orders) All() ([]string, error) {
	var found batch
	status, err := o.call("GET", "/records?seq_num=0&clamp=true", nil, &found)
	if err != nil || status == http.StatusRequestedRangeNotSatisfiable {
		return nil, err
	}
	var all []string
	for _, one := range found.Records {
		all = append(all, one.Body)
	}
	return all, nil
}

func (o Orders) call(method, rest string, body, into any) (int, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	target := o.Endpoint + "/v1/streams/" + o.Stream + rest
	request, err := http.NewRequest(method, target, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+o.Token)
	request.Header.Set("S2-Basin", o.Basin)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if into != nil && answer.StatusCode < 300 {
		err = json.NewDecoder(answer.Body).Decode(into)
	}
	return answer.StatusCode, err
}
