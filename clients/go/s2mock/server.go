package s2mock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
)

// ServerOptions say how to start a server, or which one to use.
type ServerOptions struct {
	// URL is the address of a running server; by default that in S2MOCK_URL.
	URL string
	// ControlToken is that of a server with --control-token; by default that in S2MOCK_CONTROL_TOKEN.
	ControlToken string
	// Command is the command that starts a server; by default that of [Executable].
	Command []string
	// Options are more options of the command line, for a server that is started.
	Options []string
}

// Server is a server, on which each test makes an account of its own.
type Server struct {
	// Version is the version of s2mock that the server has.
	Version string

	control  *control
	process  *serverProcess
	lock     sync.Mutex
	accounts map[*Account]struct{}
}

// StartServer uses the server at S2MOCK_URL, or else starts one, which ends with [Server.Stop] and with
// this process.
func StartServer(ctx context.Context, options ServerOptions) (*Server, error) {
	url := options.URL
	if url == "" {
		url = os.Getenv("S2MOCK_URL")
	}
	token := options.ControlToken
	if token == "" {
		token = os.Getenv("S2MOCK_CONTROL_TOKEN")
	}
	server := &Server{accounts: map[*Account]struct{}{}}
	if url == "" {
		arguments := []string{"--accounts-only"}
		if token != "" {
			arguments = append(arguments, "--control-token", token)
		}
		var err error
		server.process, err = startProcess(ctx, options.Command, append(arguments, options.Options...))
		if err != nil {
			return nil, fmt.Errorf("s2mock: %w", err)
		}
		url = server.process.url
	}
	server.control = &control{url: strings.TrimRight(url, "/"), controlToken: token}
	found, err := call[index](ctx, server.control, routes.index, request{})
	if err == nil && found.Name != "s2mock" {
		err = errors.New("it serves no /_s2mock")
	}
	if err != nil {
		if server.process != nil {
			server.process.stop()
		}
		return nil, fmt.Errorf("there is no s2mock at S2MOCK_URL=%s: %w. Start one there, or unset S2MOCK_URL to "+
			"start the executable", url, err)
	}
	server.Version = found.Version
	return server, nil
}

// URL returns the address of the server, for HTTP/1.1 and HTTP/2 without TLS.
func (s *Server) URL() string { return s.control.url }

// Env returns the variables with which other processes use this server, as [os/exec.Cmd] takes them.
func (s *Server) Env() []string {
	variables := []string{"S2MOCK_URL=" + s.control.url}
	if s.control.controlToken != "" {
		variables = append(variables, "S2MOCK_CONTROL_TOKEN="+s.control.controlToken)
	}
	return variables
}

// NewAccount makes an account. Tests that run at the same time have one each, and never meet. In a test,
// [Server.Account] ends it, too.
func (s *Server) NewAccount(ctx context.Context, options AccountOptions) (*Account, error) {
	made, err := call[newAccount](ctx, s.control, routes.makeAccount, request{body: options})
	if err != nil {
		return nil, err
	}
	account := newAccountOf(s, made.Token, options)
	s.lock.Lock()
	defer s.lock.Unlock()
	s.accounts[account] = struct{}{}
	return account, nil
}

// Accounts returns all accounts of the server.
func (s *Server) Accounts(ctx context.Context) ([]ListedAccount, error) {
	found, err := call[accountList](ctx, s.control, routes.listAccounts, request{})
	return found.Accounts, err
}

// LoadSnapshot loads a snapshot from a file, for an option of accounts or for [Account.Restore].
func (s *Server) LoadSnapshot(ctx context.Context, path string) (*Snapshot, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return s.ParseSnapshot(ctx, text)
}

// ParseSnapshot loads a snapshot that [Snapshot.Text] has returned.
func (s *Server) ParseSnapshot(ctx context.Context, text []byte) (*Snapshot, error) {
	taken, err := call[takenSnapshot](ctx, s.control, routes.takeSnapshot, request{text: text})
	if err != nil {
		return nil, err
	}
	return &Snapshot{taken.Number, taken.Time, s.control}, nil
}

// Stop ends the accounts that were made here, and the server if it was started here. Stopping twice is
// harmless.
func (s *Server) Stop(ctx context.Context) error {
	s.lock.Lock()
	accounts := s.accounts
	s.accounts = map[*Account]struct{}{}
	s.lock.Unlock()
	var failed error
	for account := range accounts {
		failed = errors.Join(failed, account.Discard(ctx))
	}
	if s.process != nil {
		s.process.stop()
		// Its accounts have ended with it.
		return nil
	}
	return failed
}

func (s *Server) forget(account *Account) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.accounts, account)
}
