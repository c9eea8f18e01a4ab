//go:build ignore

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"
)

// Stages of signing.
const (
	stageConfig    = "config"
	stageAuthority = "authority"
	stageStamp     = "timestamp"
	stageLog       = "log"
	stageCheck     = "check"
)

// signStatement signs a statement and looks at what came of it as everybody else will.
// The stage is the one that it is at.
func signStatement(ctx context.Context, r request, stage *string) (answer, error) {
	*stage = stageConfig
	config, err := root.NewSigningConfigFromJSON(r.SigningConfig)
	if err != nil {
		return answer{}, at(stageConfig, err)
	}
	options, err := services(ctx, config, r, stage)
	if err != nil {
		return answer{}, at(stageConfig, err)
	}
	pair, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return answer{}, err
	}
	made, err := sign.Bundle(&sign.DSSEData{Data: r.Payload, PayloadType: payloadType}, pair, options)
	if err != nil {
		return answer{}, at(*stage, err)
	}
	text, err := protojson.Marshal(made)
	if err != nil {
		return answer{}, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return answer{}, err
	}
	*stage = stageCheck
	seen, err := check(compact.Bytes(), r.TrustedRoot, r.Digest, nil)
	if err != nil {
		return answer{}, at(stageCheck, err)
	}
	seen.Bundle = compact.Bytes()
	return seen, nil
}

// services are those that the configuration names for today.
func services(ctx context.Context, config *root.SigningConfig, r request, stage *string) (sign.BundleOptions, error) {
	o := sign.BundleOptions{Context: ctx, CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: r.Token}}
	now := time.Now()
	authority, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, now)
	if err != nil {
		return o, err
	}
	asking := &asked{stage: stage}
	asking.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{
		BaseURL: authority.URL, Timeout: r.Wait, Retries: r.Retries, Transport: &service{stage: stage, name: stageAuthority, status: &asking.status},
	})
	o.CertificateProvider = asking
	if urls := config.TimestampAuthorityURLs(); len(urls) > 0 {
		selected, err := root.SelectServices(urls, config.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, now)
		if err != nil {
			return o, err
		}
		for _, each := range selected {
			o.TimestampAuthorities = append(o.TimestampAuthorities, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{
				URL: each.URL, Timeout: r.Wait, Retries: r.Retries, Transport: &service{stage: stage, name: stageStamp, status: new(int)},
			}))
		}
	}
	selected, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
	if err != nil {
		return o, err
	}
	for _, each := range selected {
		o.TransparencyLogs = append(o.TransparencyLogs, &logged{
			Transparency: sign.NewRekor(&sign.RekorOptions{BaseURL: each.URL, Timeout: r.Wait, Retries: r.Retries, Version: each.MajorAPIVersion}), stage: stage,
		})
	}
	return o, nil
}

// asked is a certificate authority that is asked.
type asked struct {
	sign.CertificateProvider
	stage  *string
	status int
}

func (a *asked) GetCertificate(ctx context.Context, pair sign.Keypair, o *sign.CertificateProviderOptions) ([]byte, error) {
	*a.stage = stageAuthority
	certificate, err := a.CertificateProvider.GetCertificate(ctx, pair, o)
	// The library tells of an answer that it gave up on that its body is closed.
	if err != nil && (a.status >= http.StatusInternalServerError || a.status == http.StatusTooManyRequests) {
		err = fmt.Errorf("it answered HTTP %d", a.status)
	}
	return certificate, err
}

// service notes that a service is asked, and the status of its last answer.
type service struct {
	stage  *string
	name   string
	status *int
}

func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	*s.stage = s.name
	*s.status = 0
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		*s.status = resp.StatusCode
	}
	return resp, err
}

// logged notes that a transparency log is asked.
type logged struct {
	sign.Transparency
	stage *string
}

func (l *logged) GetTransparencyLogEntry(ctx context.Context, pem []byte, b *protobundle.Bundle) error {
	*l.stage = stageLog
	return l.Transparency.GetTransparencyLogEntry(ctx, pem, b)
}
