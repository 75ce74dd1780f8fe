// LaunchDarkly's Go SDK as a reader; what it is told and what it prints is in ../README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldlog"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	lddynamodb "github.com/launchdarkly/go-server-sdk-dynamodb/v4"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/interfaces"
	"github.com/launchdarkly/go-server-sdk/v7/interfaces/flagstate"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
)

const startTimeout = 30 * time.Second

var fallback = ldvalue.String("fallback")

type job struct {
	Contexts map[string]ldcontext.Context `json:"contexts"`
	Flags    []string                     `json:"flags"`
}

// One flag's answer: what is not in a single evaluation, or not told by all-flags, is left out.
type answer map[string]any

type answers struct {
	Single map[string]map[string]answer `json:"single"`
	All    map[string]map[string]answer `json:"all"`
}

func config() ld.Config {
	loggers := ldlog.NewDefaultLoggers()
	loggers.SetMinLevel(ldlog.Warn)
	config := ld.Config{
		Events:           ldcomponents.NoEvents(),
		DiagnosticOptOut: true,
		Logging:          ldcomponents.Logging().Loggers(loggers),
	}
	if os.Getenv("READER_MODE") == "daemon" {
		config.DataSource = ldcomponents.ExternalUpdatesOnly()
		config.DataStore = ldcomponents.PersistentDataStore(
			lddynamodb.DataStore(os.Getenv("TABLE")).
				Prefix(os.Getenv("PREFIX")).
				ClientOptions(dynamodb.Options{
					Region:           os.Getenv("AWS_REGION"),
					HTTPClient:       wholeAnswers{},
					EndpointResolver: dynamodb.EndpointResolverFromURL(os.Getenv("DYNAMODB_URL")),
					Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
						os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), "")),
				}),
		).NoCaching()
		return config
	}
	config.ServiceEndpoints = interfaces.ServiceEndpoints{
		Streaming: os.Getenv("STREAM_URI"),
		Polling:   os.Getenv("BASE_URI"),
		Events:    os.Getenv("EVENTS_URI"),
	}
	return config
}

// wholeAnswers hands answers on when they are complete. The AWS client takes a request's body away as soon as the
// answer begins; Go's transport, where it had not noticed the body's end by then, closes the connection under the answer
// ("use of closed network connection", aws-sdk-go-v2 #2737). A store on loopback answers fast enough for that.
type wholeAnswers struct{}

func (wholeAnswers) Do(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

func single(client *ld.LDClient, context ldcontext.Context, flag string) answer {
	// The error says again what the reason says.
	value, detail, _ := client.JSONVariationDetail(flag, context, fallback)
	return answer{"value": value, "variation": detail.VariationIndex, "reason": detail.Reason}
}

func allFlags(client *ld.LDClient, context ldcontext.Context) map[string]answer {
	state := client.AllFlagsState(context, flagstate.OptionWithReasons())
	if !state.IsValid() {
		log.Fatalf("AllFlagsState is not valid for %s", context.FullyQualifiedKey())
	}
	flags := make(map[string]answer)
	for flag := range state.ToValuesMap() {
		found, _ := state.GetFlag(flag)
		flags[flag] = answer{
			"value":                found.Value,
			"variation":            found.Variation,
			"version":              found.Version,
			"reason":               found.Reason,
			"trackEvents":          found.TrackEvents,
			"trackReason":          found.TrackReason,
			"debugEventsUntilDate": found.DebugEventsUntilDate,
			"prerequisites":        found.Prerequisites,
		}
	}
	return flags
}

// canonical encodes with members in order of their names: the SDK's own objects come in any order.
func canonical(document any) ([]byte, error) {
	encoded, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

func run() error {
	file, err := os.ReadFile(os.Getenv("READER_JOB"))
	if err != nil {
		return err
	}
	var asked job
	if err := json.Unmarshal(file, &asked); err != nil {
		return err
	}
	client, err := ld.MakeCustomClient(os.Getenv("SDK_KEY"), config(), startTimeout)
	if err != nil {
		return fmt.Errorf("not initialised within %s: %w", startTimeout, err)
	}
	result := answers{Single: map[string]map[string]answer{}, All: map[string]map[string]answer{}}
	for name, context := range asked.Contexts {
		result.Single[name] = make(map[string]answer, len(asked.Flags))
		for _, flag := range asked.Flags {
			result.Single[name][flag] = single(client, context, flag)
		}
		result.All[name] = allFlags(client, context)
	}
	if err := client.Close(); err != nil {
		return err
	}
	encoded, err := canonical(result)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(encoded)
	return err
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
