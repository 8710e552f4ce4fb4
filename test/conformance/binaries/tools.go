//go:build tools

// Package tools names what test/conformance/build makes, so that go.mod knows it.
package tools

import _ "k8s.io/kubernetes/test/e2e"
