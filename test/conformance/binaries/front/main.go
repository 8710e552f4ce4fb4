// Front stands between the conformance suite and a server. It passes on everything as it is, but two things:
// a server without Services is given the one that the suite demands before its first spec (default/kubernetes, for its IP family),
// and each answered request is written down, so that afterwards it can be told what a spec asked for and did not get.
//
//	front KUBECONFIG LOG
//
// Listens on a loopback port of the system's choice and prints its URL. Ends when its standard input does.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const service = "/api/v1/namespaces/default/services/kubernetes"
const answer = `{"kind":"Service","apiVersion":"v1","metadata":{"name":"kubernetes","namespace":"default"},"spec":{"clusterIP":"10.96.0.1"}}`

// A line of the log.
type asked struct {
	Agent  string `json:"agent"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Type   string `json:"type,omitempty"` // of the request's body
	Status int    `json:"status"`
	Served bool   `json:"served"` // false: there is no such kind, path or body type
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: front KUBECONFIG LOG")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		log.Fatal(err)
	}
	// Who shows a token is who the token says, never the administrator of the kubeconfig.
	asAdmin, err := rest.TransportFor(config)
	if err != nil {
		log.Fatal(err)
	}
	asBearer, err := rest.TransportFor(rest.AnonymousClientConfig(config))
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Create(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var writing sync.Mutex
	note := func(response *http.Response) error {
		request := response.Request
		status := response.StatusCode
		// Of an object that is not there a Status tells, of a kind that is not there plain text.
		plain := !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json")
		line, err := json.Marshal(asked{request.UserAgent(), request.Method, request.URL.RequestURI(), request.Header.Get("Content-Type"),
			status, !(status == http.StatusNotFound && plain) && status != http.StatusUnsupportedMediaType && status != http.StatusMethodNotAllowed})
		if err != nil {
			return err
		}
		writing.Lock()
		defer writing.Unlock()
		_, err = file.Write(append(line, '\n'))
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(server)
		},
		Transport: chooser(func(request *http.Request) (*http.Response, error) {
			if request.Header.Get("Authorization") != "" {
				return asBearer.RoundTrip(request)
			}
			return asAdmin.RoundTrip(request)
		}),
		FlushInterval: -1,
		ModifyResponse: func(response *http.Response) error {
			if response.Request.URL.Path == service && response.StatusCode == http.StatusNotFound {
				response.Body.Close()
				response.StatusCode = http.StatusOK
				response.Header.Set("Content-Type", "application/json")
				response.Header.Del("Content-Length")
				response.ContentLength = int64(len(answer))
				response.Body = io.NopCloser(strings.NewReader(answer))
			}
			return note(response)
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	go http.Serve(listener, proxy)
	io.Copy(io.Discard, os.Stdin)
}

type chooser func(*http.Request) (*http.Response, error)

func (choose chooser) RoundTrip(request *http.Request) (*http.Response, error) {
	return choose(request)
}
