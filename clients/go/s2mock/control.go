package s2mock

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The time that a wait lasts if its context has no deadline.
const defaultWait = 5 * time.Second

// The time after the end of a wait in which its response should be there, which says what arrived instead.
const responseGrace = 10 * time.Second

// A client of its own: a test may change the default one, or break its connections.
var httpClient = &http.Client{
	Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     90 * time.Second,
	},
}

// control sends requests to the control API, for the account of a token; without one, for the first
// account of the server.
type control struct {
	url          string
	token        string
	controlToken string
}

// as returns a control of the same server, for the account of another token.
func (c *control) as(token string) *control {
	return &control{c.url, token, c.controlToken}
}

// request is what is sent to a route.
type request struct {
	// path are the values in the path, in order.
	path  []any
	query url.Values
	// body is a value for encode, nil for none.
	body any
	// text is a body that is sent as it is.
	text   []byte
	accept string
	basin  string
}

// call sends a request, and returns the document of its response.
func call[Value any](ctx context.Context, c *control, to route, sent request) (Value, error) {
	var value Value
	data, err := c.send(ctx, to, sent)
	if err == nil && len(data) > 0 {
		if err = json.Unmarshal(data, &value); err != nil {
			err = fmt.Errorf("s2mock: the response of %s %s: %w", to.method, to.path, err)
		}
	}
	return value, err
}

// do sends a request whose response has nothing of interest.
func (c *control) do(ctx context.Context, to route, sent request) error {
	_, err := c.send(ctx, to, sent)
	return err
}

// send sends a request, and returns the body of its response.
func (c *control) send(ctx context.Context, to route, sent request) ([]byte, error) {
	response, err := c.open(ctx, to, sent)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if response.StatusCode >= 400 {
		return nil, errorOf(response.StatusCode, data)
	}
	return data, nil
}

// open sends a request, and returns its response.
func (c *control) open(ctx context.Context, to route, sent request) (*http.Response, error) {
	body := sent.text
	if sent.body != nil {
		var err error
		if body, err = json.Marshal(encode(sent.body)); err != nil {
			return nil, err
		}
	}
	target := c.url + "/_s2mock" + fillPath(to.path, sent.path)
	if len(sent.query) > 0 {
		target += "?" + sent.query.Encode()
	}
	made, err := http.NewRequestWithContext(ctx, to.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		made.Header.Set("Content-Type", "application/json")
	}
	for name, value := range map[string]string{
		"Accept":               sent.accept,
		"S2-Basin":             sent.basin,
		"S2mock-Control-Token": c.controlToken,
	} {
		if value != "" {
			made.Header.Set(name, value)
		}
	}
	if c.token != "" {
		made.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := httpClient.Do(made)
	if err != nil {
		return nil, c.unreachable(err)
	}
	return response, nil
}

// follow calls a function with the data of each event, until it returns false.
func (c *control) follow(ctx context.Context, to route, sent request) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		sent.accept = "text/event-stream"
		response, err := c.open(ctx, to, sent)
		if err != nil {
			yield("", err)
			return
		}
		defer response.Body.Close()
		if response.StatusCode != 200 {
			data, _ := io.ReadAll(response.Body)
			yield("", errorOf(response.StatusCode, data))
			return
		}
		reader := bufio.NewReader(response.Body)
		for {
			line, err := reader.ReadString('\n')
			if data, is := strings.CutPrefix(line, "data: "); is && !yield(strings.TrimSpace(data), nil) {
				return
			}
			if errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				yield("", c.unreachable(err))
				return
			}
		}
	}
}

// waiting returns the query of a wait, and the context of its request. The wait ends at the deadline of
// the context, if there is one, and the response that says what arrived instead is read after that.
func waiting(ctx context.Context, query url.Values) (context.Context, url.Values, context.CancelFunc) {
	wait := defaultWait
	if deadline, has := ctx.Deadline(); has {
		wait = max(0, time.Until(deadline))
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("wait", strconv.FormatFloat(wait.Seconds(), 'f', 6, 64))
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait+responseGrace)
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cancel()
		}
	})
	return longer, query, func() { stop(); cancel() }
}

func (c *control) unreachable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("s2mock cannot be reached at %s: %w", c.url, err)
}

// fillPath returns the path with its values in it.
func fillPath(path string, values []any) string {
	for _, value := range values {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + url.PathEscape(fmt.Sprint(value)) + after
	}
	return path
}

func errorOf(status int, data []byte) error {
	var read struct{ Code, Message string }
	if err := json.Unmarshal(data, &read); err != nil || read.Message == "" {
		// Another server than s2mock has answered.
		text := strings.TrimSpace(string(data[:min(len(data), 200)]))
		return &Error{status, ControlOther.String(), fmt.Sprintf("the server answered %d: %s", status, text)}
	}
	return &Error{status, read.Code, read.Message}
}

// queryOf returns a query without its empty values.
func queryOf(pairs ...string) url.Values {
	query := url.Values{}
	for index := 0; index < len(pairs); index += 2 {
		if pairs[index+1] != "" {
			query.Add(pairs[index], pairs[index+1])
		}
	}
	return query
}
