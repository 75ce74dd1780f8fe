// An AWS Lambda that answers with LaunchDarkly's flags from DynamoDB, in daemon mode: nothing here connects to LaunchDarkly.
// What it is asked and what it answers is in ../README.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldlog"
	"github.com/launchdarkly/go-sdk-common/v3/ldreason"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	lddynamodb "github.com/launchdarkly/go-server-sdk-dynamodb/v4"
	ld "github.com/launchdarkly/go-server-sdk/v7"
	"github.com/launchdarkly/go-server-sdk/v7/interfaces/flagstate"
	"github.com/launchdarkly/go-server-sdk/v7/ldcomponents"
)

// How long a flag that was read is served without reading it again, and so how late a change may be seen. Longer saves read
// units and milliseconds; 0 reads the table at every evaluation. A container that was frozen longer than this reads anew
// when it is thawed.
const standardCacheSeconds = 30

type flags struct {
	client        *ld.LDClient
	table, prefix string
}

type one struct {
	Flag      string                    `json:"flag"`
	Value     ldvalue.Value             `json:"value"`
	Variation ldvalue.OptionalInt       `json:"variation"`
	Reason    ldreason.EvaluationReason `json:"reason"`
}

type all struct {
	Flags map[string]flag `json:"flags"`
}

type flag struct {
	Value     ldvalue.Value             `json:"value"`
	Variation ldvalue.OptionalInt       `json:"variation"`
	Version   int                       `json:"version"`
	Reason    ldreason.EvaluationReason `json:"reason"`
}

type wrong struct {
	Error string `json:"error"`
}

func open() (*flags, error) {
	table, prefix := os.Getenv("DYNAMODB_TABLE"), os.Getenv("PREFIX")
	if table == "" {
		return nil, errors.New("DYNAMODB_TABLE must name the table with the flags")
	}
	cacheSeconds := standardCacheSeconds
	if text := os.Getenv("CACHE_SECONDS"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("CACHE_SECONDS must be a whole number of seconds, not %q", text)
		}
		cacheSeconds = int(seconds)
	}
	loggers := ldlog.NewDefaultLoggers()
	loggers.SetMinLevel(ldlog.Warn)
	client, err := ld.MakeCustomClient("not-used-in-daemon-mode", ld.Config{
		DataSource: ldcomponents.ExternalUpdatesOnly(),
		DataStore: ldcomponents.PersistentDataStore(
			lddynamodb.DataStore(table).Prefix(prefix),
		).CacheSeconds(cacheSeconds),
		// A frozen container sends nothing, and daemon mode needs no key with which it could.
		Events:           ldcomponents.NoEvents(),
		DiagnosticOptOut: true,
		Logging:          ldcomponents.Logging().Loggers(loggers),
	}, time.Second)
	if err != nil {
		return nil, err
	}
	return &flags{client, table, prefix}, nil
}

func (it *flags) answer(_ context.Context, event json.RawMessage) (any, error) {
	// An event that is no object asks for nothing, so its context is missing.
	var asked struct{ Context, Flag, Default json.RawMessage }
	_ = json.Unmarshal(event, &asked)
	key, present, err := flagKey(asked.Flag)
	if err != nil {
		return wrong{err.Error()}, nil
	}
	if asked.Context == nil || bytes.Equal(asked.Context, []byte("null")) {
		return wrong{`"context" is missing: say for whom, such as {"kind":"user","key":"user-17"}`}, nil
	}
	var who ldcontext.Context
	if err := json.Unmarshal(asked.Context, &who); err != nil {
		return wrong{fmt.Sprintf(`"context" is not one: %s`, err)}, nil
	}
	if present {
		// The error says again what the reason says.
		value, detail, _ := it.client.JSONVariationDetail(key, who, ldvalue.Parse(asked.Default))
		return one{key, value, detail.VariationIndex, detail.Reason}, nil
	}
	return it.all(who), nil
}

func flagKey(text json.RawMessage) (key string, present bool, err error) {
	if text == nil || bytes.Equal(text, []byte("null")) {
		return "", false, nil
	}
	if err := json.Unmarshal(text, &key); err != nil || key == "" {
		return "", false, errors.New(`"flag" must be the key of a flag; without it all flags are answered`)
	}
	return key, true, nil
}

func (it *flags) all(who ldcontext.Context) any {
	state := it.client.AllFlagsState(who, flagstate.OptionWithReasons())
	answer := all{make(map[string]flag)}
	for key := range state.ToValuesMap() {
		found, _ := state.GetFlag(key)
		answer.Flags[key] = flag{found.Value, found.Variation, found.Version, found.Reason}
	}
	if len(answer.Flags) == 0 {
		return wrong{fmt.Sprintf(
			"no flags in the table %q with the prefix %q: was it filled, and may this function read it? Its log has more",
			it.table, it.prefix)}
	}
	return answer
}

func main() {
	// Once, outside of the handler: it is cold only at the start, and its cache serves every invocation after the first.
	flags, err := open()
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(flags.answer)
}
