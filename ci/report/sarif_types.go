package report

// The part of SARIF 2.1.0 that is written, under the standard's own names.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool              `json:"tool"`
	Automation  *sarifAutomation       `json:"automationDetails,omitempty"`
	Invocations []sarifInvocation      `json:"invocations"`
	Bases       map[string]sarifAnyURI `json:"originalUriBaseIds"`
	Results     []sarifResult          `json:"results"`
	ColumnKind  string                 `json:"columnKind"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string          `json:"id"`
	Short      sarifMessage    `json:"shortDescription"`
	Help       *sarifMessage   `json:"help,omitempty"`
	HelpURI    string          `json:"helpUri,omitempty"`
	Default    sarifLevel      `json:"defaultConfiguration"`
	Properties sarifProperties `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

// sarifProperties are read by GitHub's code scanning.
type sarifProperties struct {
	Tags []string `json:"tags"`
	// SecuritySeverity is a number from 0 to 10 in a string.
	SecuritySeverity string `json:"security-severity,omitempty"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	ExitCode      *int                `json:"exitCode,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level      string       `json:"level"`
	Message    sarifMessage `json:"message"`
	Descriptor sarifRef     `json:"descriptor"`
}

type sarifRef struct {
	ID string `json:"id"`
}

// sarifAnyURI describes what relative addresses count from. Its own address is that of
// a folder of some machine, and is left out.
type sarifAnyURI struct {
	Description sarifMessage `json:"description"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifMessage       `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions"`
	Properties   map[string]any     `json:"properties,omitempty"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId,omitempty"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	FullName string `json:"fullyQualifiedName"`
	Kind     string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
}
