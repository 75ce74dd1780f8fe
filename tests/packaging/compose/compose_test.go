// Package compose loads docker-compose.yml as `docker compose` does, where there is no container engine.
package compose

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../../.."

// load reads the file with these lines in `.env`, and nothing from the environment of whoever runs the test.
func load(t *testing.T, env ...string) *types.Project {
	t.Helper()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte(strings.Join(env, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithWorkingDirectory(root), cli.WithEnvFiles(file), cli.WithDotEnv, cli.WithProfiles([]string{"observability"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func environment(t *testing.T, project *types.Project, service, name string) string {
	t.Helper()
	value := project.Services[service].Environment[name]
	if value == nil {
		t.Fatalf("%s has no %s", service, name)
	}
	return *value
}

func TestWithoutAKeyLaunchDarklyIsSimulated(t *testing.T) {
	project := load(t)
	for name, expected := range map[string]string{
		"STREAM_URI": "http://simulator:8040", "BASE_URI": "http://simulator:8040",
		"DYNAMODB_URL": "http://dynamodb:8000", "LD_ENV_demo": "sdk-simulated",
	} {
		if value := environment(t, project, "relay", name); value != expected {
			t.Errorf("%s is %s, not %s", name, value, expected)
		}
	}
}

func TestAKeyInDotEnvSwitchesToTheRealLaunchDarkly(t *testing.T) {
	project := load(t, "LD_SDK_KEY=sdk-0001")
	for name, expected := range map[string]string{
		"STREAM_URI": "https://stream.launchdarkly.com", "BASE_URI": "https://sdk.launchdarkly.com",
		"LD_ENV_demo": "sdk-0001",
	} {
		if value := environment(t, project, "relay", name); value != expected {
			t.Errorf("%s is %s, not %s", name, value, expected)
		}
	}
}

func TestAnotherAddressOfLaunchDarklyCanBeGiven(t *testing.T) {
	project := load(t, "LD_SDK_KEY=sdk-0001", "STREAM_URI=https://stream.eu.launchdarkly.com")
	if value := environment(t, project, "relay", "STREAM_URI"); value != "https://stream.eu.launchdarkly.com" {
		t.Errorf("STREAM_URI is %s", value)
	}
}

func TestTheExampleOfDotEnvChangesNothing(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	without, with := load(t), load(t, strings.Split(string(example), "\n")...)
	for name, value := range without.Services["relay"].Environment {
		if other := environment(t, with, "relay", name); *value != other {
			t.Errorf("%s is %s, with the example %s", name, *value, other)
		}
	}
}

func TestTheTableIsThereBeforeTheRelayStarts(t *testing.T) {
	project := load(t)
	for service, expected := range map[string]map[string]string{
		"relay":        {"create-table": types.ServiceConditionCompletedSuccessfully, "simulator": types.ServiceConditionStarted},
		"create-table": {"dynamodb": types.ServiceConditionStarted},
	} {
		for on, condition := range expected {
			if found := project.Services[service].DependsOn[on].Condition; found != condition {
				t.Errorf("%s waits for %s to be %q, not %q", service, on, found, condition)
			}
		}
	}
	for _, name := range []string{"DYNAMODB_URL", "DYNAMODB_TABLE", "AWS_REGION"} {
		if environment(t, project, "relay", name) != environment(t, project, "create-table", name) {
			t.Errorf("relay and create-table differ in %s", name)
		}
	}
}

func TestNothingHasMoreRightsThanItNeeds(t *testing.T) {
	for name, service := range load(t).Services {
		if !slices.Equal(service.CapDrop, []string{"ALL"}) {
			t.Errorf("%s keeps capabilities", name)
		}
		if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges", name)
		}
		if service.Build != nil && !(service.ReadOnly && service.User == "65532:65532") {
			t.Errorf("%s, as %q, can write to its root file system", name, service.User)
		}
		if slices.Contains(service.Profiles, "observability") && !(service.ReadOnly && service.User != "") {
			t.Errorf("%s, as %q, can write to its root file system", name, service.User)
		}
		for _, mount := range service.Tmpfs {
			if !strings.Contains(mount, "size=") {
				t.Errorf("%s may fill the memory: %s has no size", name, mount)
			}
		}
		for _, volume := range service.Volumes {
			if !volume.ReadOnly {
				t.Errorf("%s can write to %s", name, volume.Source)
			}
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s opens %s to the network", name, port.Published)
			}
		}
	}
}

func TestImagesAreNamedByTagAndBuiltFromTheDockerfile(t *testing.T) {
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range load(t).Services {
		_, tag, found := strings.Cut(service.Image, ":")
		if !found || tag == "latest" {
			t.Errorf("%s is %q: name the tag", name, service.Image)
		}
		if service.Build != nil && !strings.Contains(string(dockerfile), " AS "+service.Build.Target+"\n") {
			t.Errorf("%s wants the stage %q, which the Dockerfile does not have", name, service.Build.Target)
		}
		for _, volume := range service.Volumes {
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
	}
}

func TestTheRelayIsHealthyWhenReadersHaveData(t *testing.T) {
	check := load(t).Services["relay"].HealthCheck
	if check == nil || !slices.Equal(check.Test, []string{"CMD", "/ld-dynamodb-relay", "health", "--ready"}) {
		t.Errorf("health check: %+v", check)
	}
}

func TestObservabilityIsThereOnlyWhereItIsAskedFor(t *testing.T) {
	services := load(t).Services
	for name, service := range services {
		expected := name == "prometheus" || name == "grafana"
		if asked := slices.Contains(service.Profiles, "observability"); asked != expected {
			t.Errorf("%s: with the profile alone is %v, not %v", name, asked, expected)
		}
	}
	if len(services) != 6 {
		t.Errorf("%d services", len(services))
	}
}

func TestGrafanaMayBeLookedAtAndNotChanged(t *testing.T) {
	project := load(t)
	for name, expected := range map[string]string{
		"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer", "GF_AUTH_DISABLE_LOGIN_FORM": "true",
		"GF_AUTH_BASIC_ENABLED": "false", "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
		"GF_PLUGINS_PREINSTALL_DISABLED": "true", "GF_PLUGINS_PLUGIN_ADMIN_ENABLED": "false",
	} {
		if value := environment(t, project, "grafana", name); value != expected {
			t.Errorf("%s is %s, not %s", name, value, expected)
		}
	}
}

func TestPrometheusReadsTheRelaysAdminPort(t *testing.T) {
	config, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), `targets: ["relay:8031"]`) {
		t.Error("the target is not the service `relay`")
	}
	source, err := os.ReadFile(filepath.Join(root, "deploy/grafana/provisioning/datasources/prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), "url: http://prometheus:9090\n") {
		t.Error("the data source is not the service `prometheus`")
	}
	for _, port := range load(t).Services["relay"].Ports {
		if port.Target == 8031 {
			return
		}
	}
	t.Error("the relay has no admin port at 8031")
}
