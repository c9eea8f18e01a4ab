// Subject is a program that behaves as its first argument says, on the port that is its
// second.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	how, port := os.Args[1], os.Args[2]
	address := ":" + port
	switch how {
	case "job":
		fmt.Println("done")
		return
	case "exits":
		log.Fatal("no configuration")
	case "panics":
		time.Sleep(300 * time.Millisecond)
		panic("no water")
	case "writes":
		must(os.WriteFile("/tmp/state", []byte("x"), 0o644))
	case "needs a capability":
		_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP)
		must(err)
	case "needs root":
		must(syscall.Setuid(0))
	case "says who it is":
		status, err := os.ReadFile("/proc/self/status")
		must(err)
		for _, line := range strings.Split(string(status), "\n") {
			if strings.HasPrefix(line, "Cap") || strings.HasPrefix(line, "NoNewPrivs") {
				log.Print(line)
			}
		}
		dir, err := os.Getwd()
		must(err)
		log.Fatal(os.Getuid(), os.Getgid(), os.Environ(), dir)
	case "takes memory":
		all := make([]byte, 1<<30)
		for i := 0; i < len(all); i += 4096 {
			all[i] = 1
		}
		time.Sleep(time.Hour) // whoever watches it may be slow
	case "does not listen":
		time.Sleep(time.Hour)
	case "listens elsewhere":
		address = ":1" + port
	case "ignores the signal":
		signal.Ignore(syscall.SIGTERM)
	case "has no handler":
		serve(address, how, func() {})
	case "listens on loopback":
		address = "127.0.0.1:" + port
	}
	asked := make(chan os.Signal, 1)
	if how != "ignores the signal" {
		signal.Notify(asked, syscall.SIGTERM)
	}
	answered := make(chan struct{})
	go serve(address, how, sync.OnceFunc(func() { close(answered) }))
	if how == "panics later" {
		<-answered
		time.Sleep(300 * time.Millisecond)
		panic("no more water")
	}
	<-asked
	if how == "ends with 3" {
		log.Print("not stored")
		os.Exit(3)
	}
}

// serve answers, and says that it was asked.
func serve(address, how string, asked func()) {
	l, err := net.Listen("tcp", address)
	must(err)
	log.Print("listening on ", address)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked()
		switch {
		case how == "is unhealthy":
			http.Error(w, "no water", http.StatusInternalServerError)
		case how == "redirects":
			http.Redirect(w, r, "/", http.StatusFound)
		case r.URL.Path != "/healthz":
			http.NotFound(w, r)
		}
	})
	if err := http.Serve(l, answer); !errors.Is(err, http.ErrServerClosed) {
		must(err)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
