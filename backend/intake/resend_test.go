package intake

import (
	"testing"
)

// The stream lost a tail of what a gateway was told is stored. The gateway is asked for exactly the hole, once at a
// time; what it still has heals it, and for what it no longer has nobody is asked again.
func TestAGatewayIsAskedForWhatIsMissing(t *testing.T) {
	s := newSite(t)
	tell(s, `register P-001
register P-002
register gw-det-01
host P-001 gw-det-01
host P-002 gw-det-01
tag P-001.temp float64
telemetry P-001 epoch=A seq=1 ts=10:00:00 temp=1
telemetry P-001 epoch=A seq=6 ts=10:00:05 temp=6
telemetry P-002 epoch=A seq=3 ts=10:00:05 temp=6
asks none
at 10:00:40
asks none
raw gw-det-01 status {"online":true,"session":"01ARZ3NDEKTSV4RRFFQ69G5FAV","ts":1772445600000}
asks P-001 A:2-5
at 10:00:45
asks none
telemetry P-001 epoch=A seq=2 ts=10:00:01 temp=2
telemetry P-001 epoch=A seq=5 ts=10:00:04 temp=5
answer gw-det-01 3-4
gaps P-001 A:2-5 missing 2 gone 2 unknown
asks P-002 A:1-2
telemetry P-002 epoch=A seq=1 ts=10:00:01 temp=2
telemetry P-002 epoch=A seq=2 ts=10:00:02 temp=2
answer gw-det-01
gaps P-002 A:1-2 healed resend unknown
at 11:00:00
asks none`)
	s.crash(0)
	tell(s, `at 12:00:00
gaps P-001 A:2-5 missing 2 gone 2 unknown
gaps P-002 A:1-2 healed resend unknown
asks none`)
}

// A gateway that does not answer is asked less and less often, and a device is not asked for what came and was
// refused: that is replayed.
func TestRequestsBackOff(t *testing.T) {
	s := newSite(t)
	tell(s, `register P-001
tag P-001.temp float64
raw P-001 status {"online":true,"session":"01ARZ3NDEKTSV4RRFFQ69G5FAV","ts":1772445600000}
telemetry P-001 epoch=A seq=1 ts=10:00:00 temp=1
raw P-001 telemetry {"schema_version":"9.9","epoch":"%A","seq":2}
telemetry P-001 epoch=A seq=4 ts=10:00:03 temp=4
gaps P-001 A:2-3 missing 2 dead_letter
at 10:01:00
asks P-001 A:3-3
at 10:01:59
asks none
at 10:02:01
asks P-001 A:3-3
at 10:03:30
asks none
at 10:04:02
asks P-001 A:3-3
at 10:06:00
asks none
telemetry P-001 epoch=A seq=3 ts=10:00:02 temp=3
at 11:30:00
asks none
gaps P-001 A:2-3 missing 1 dead_letter`)
}

// An answer counts only from the gateway that hosts the device.
func TestNobodyAnswersForAnother(t *testing.T) {
	s := newSite(t)
	tell(s, `register P-001
register P-666
register gw-det-01
host P-001 gw-det-01
telemetry P-001 epoch=A seq=1 ts=10:00:00 temp=1
telemetry P-001 epoch=A seq=4 ts=10:00:03 temp=4
raw P-666 resend/result {"request_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","of_device":"P-001","of_epoch":"%A","channel":"telemetry","gone":[[2,3]]}
gaps P-001 A:2-3 missing 2 unknown
raw gw-det-01 resend/result {"request_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","of_device":"P-001","of_epoch":"%A","channel":"telemetry","gone":[[2,3],[9,5]]}
gaps P-001 A:2-3 missing 2 gone 2 unknown
letters P-001 none`)
}
