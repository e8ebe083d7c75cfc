package broker

import (
	"strings"

	"github.com/lineshaft/lineshaft/twin/wire"
)

const sharePrefix = "$share/"

// unshare takes $share/{group}/ off a filter, so that a group name cannot smuggle one past the check.
func unshare(filter string) (string, bool) {
	if len(filter) < len(sharePrefix) || !strings.EqualFold(filter[:len(sharePrefix)], sharePrefix) {
		return filter, true
	}
	_, rest, ok := strings.Cut(filter[len(sharePrefix):], "/")
	return rest, ok
}

// maySubscribe says whether who may listen on filter: a device on its own down-channels, a gateway also on those of
// the devices it hosts, an edge node of Sparkplug on its commands, a reader on anything of its tenant.
func maySubscribe(who Identity, filter string, hosts Hosts) bool {
	filter, ok := unshare(filter)
	if !ok {
		return false
	}
	if wire.IsSparkplug(filter) {
		return mayHear(who, filter)
	}
	if who.Reader {
		tenant, _, ok := strings.Cut(filter, "/")
		return ok && tenant == who.Tenant
	}
	// commands/+ is the only wildcard: read it as one command.
	if base, ok := strings.CutSuffix(filter, "/commands/+"); ok {
		filter = base + "/commands/" + anyCommand
	}
	t, err := wire.ParseTopic(filter)
	if err != nil || t.Tenant != who.Tenant || t.Channel.Direction() != wire.Down {
		return false
	}
	if t.Device != who.Device && (!who.Gateway || !hosts.MayActFor(t.Tenant, who.Device, t.Device)) {
		return false
	}
	at, registered := hosts.TopicOf(t.Tenant, t.Device)
	return registered && at.On("") == t.On("")
}

// anyCommand stands for a command id where only its form matters.
const anyCommand = "00000000000000000000000000"
