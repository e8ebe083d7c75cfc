package plc

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/awcullen/opcua/server"
	"github.com/awcullen/opcua/ua"

	"github.com/lineshaft/lineshaft/simulator/plant"
	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// opcuaServer is one controller's server with the connections it answers.
type opcuaServer struct {
	srv      *server.Server
	listener net.Listener
	conns    sync.WaitGroup
}

// Login is who may open a session. There is no default and no anonymous access.
type Login struct{ User, Password string }

func (l Login) check() error {
	if l.User == "" || l.Password == "" {
		return fault.Field("opcua_password", "nothing", "an OPC UA server needs a user and a password")
	}
	return nil
}

func newOPCUA(l net.Listener, name string, id Identity, login Login) (*opcuaServer, error) {
	url := "opc.tcp://" + l.Addr().String()
	srv, err := server.New(
		ua.ApplicationDescription{
			ApplicationURI: id.URI, ProductURI: "urn:lineshaft:simulator", ApplicationType: ua.ApplicationTypeServer,
			ApplicationName: ua.LocalizedText{Text: name, Locale: "en"}, DiscoveryURLs: []string{url},
		},
		id.Certificate, id.Key, url,
		server.WithBuildInfo(ua.BuildInfo{ProductURI: "urn:lineshaft:simulator", ManufacturerName: "Lineshaft", ProductName: name}),
		server.WithInsecureSkipVerify(), // any application may connect; the user decides
		server.WithServerDiagnostics(false),
		server.WithMaxWorkerThreads(2),
		server.WithAuthenticateUserNameIdentityFunc(func(u ua.UserNameIdentity, _, _ string) error {
			user := subtle.ConstantTimeCompare([]byte(u.UserName), []byte(login.User))
			pass := subtle.ConstantTimeCompare([]byte(u.Password), []byte(login.Password))
			if user&pass != 1 {
				return ua.BadUserAccessDenied
			}
			return nil
		}),
		server.WithRolesProvider(operators{}),
	)
	if err != nil {
		return nil, fmt.Errorf("make opc ua server: %w", err)
	}
	onlyEncrypted(srv)
	return &opcuaServer{srv: srv, listener: l}, nil
}

// onlyEncrypted leaves one kind of endpoint: Basic256Sha256, SignAndEncrypt. The library always offers ten and
// keeps them in one slice; every line of it becomes the one we want.
func onlyEncrypted(srv *server.Server) {
	eps := srv.Endpoints()
	for _, ep := range eps {
		if ep.SecurityPolicyURI == ua.SecurityPolicyURIBasic256Sha256 && ep.SecurityMode == ua.MessageSecurityModeSignAndEncrypt {
			for i := range eps {
				eps[i] = ep
			}
			return
		}
	}
}

// operators gives every user who logged in the role that may read and write.
type operators struct{}

var operatorRoles = []ua.NodeID{ua.ObjectIDWellKnownRoleOperator}

// GetRoles implements server.RolesProvider.
func (operators) GetRoles(identity any, _, _ string) ([]ua.NodeID, error) {
	if _, ok := identity.(ua.UserNameIdentity); !ok {
		return nil, ua.BadUserAccessDenied
	}
	return operatorRoles, nil
}

// publish adds a folder for each device and a variable for each of its tags.
func (s *opcuaServer) publish(places []Place, w *plant.World) error {
	nm := s.srv.NamespaceManager()
	if ns := nm.Add(Namespace); ns != 2 {
		return fmt.Errorf("namespace %s has index %d, wants 2", Namespace, ns)
	}
	folder := ""
	var nodes []server.Node
	for _, p := range places {
		if p.Device != folder {
			folder = p.Device
			nodes = append(nodes, s.folder(folder))
		}
		nodes = append(nodes, s.variable(p, w)...)
	}
	if err := nm.AddNodes(nodes...); err != nil {
		return fmt.Errorf("add nodes: %w", err)
	}
	return nil
}

func (s *opcuaServer) folder(device string) server.Node {
	return server.NewObjectNode(s.srv, ua.NewNodeIDString(2, device), ua.NewQualifiedName(2, device),
		ua.NewLocalizedText(device, "en"), ua.NewLocalizedText("", ""), nil,
		[]ua.Reference{
			ua.NewReference(ua.ReferenceTypeIDHasTypeDefinition, false, ua.NewExpandedNodeID(ua.ObjectTypeIDFolderType)),
			ua.NewReference(ua.ReferenceTypeIDOrganizes, true, ua.NewExpandedNodeID(ua.ObjectIDObjectsFolder)),
		}, 0)
}

// minSampling is the fastest sampling in ms a variable offers: the world has nothing new in between.
const minSampling = 100

func (s *opcuaServer) variable(p Place, w *plant.World) []server.Node {
	id := ua.ParseNodeID(p.Node)
	typ, dataType := variableType(p.Tag)
	access := ua.AccessLevelsCurrentRead
	if p.Tag.Writable {
		access |= ua.AccessLevelsCurrentWrite
	}
	v := server.NewVariableNode(s.srv, id, ua.NewQualifiedName(2, p.Name), ua.NewLocalizedText(p.Name, "en"),
		ua.NewLocalizedText(p.Tag.Title, "en"), nil,
		[]ua.Reference{
			ua.NewReference(ua.ReferenceTypeIDHasTypeDefinition, false, ua.NewExpandedNodeID(typ)),
			ua.NewReference(ua.ReferenceTypeIDHasComponent, true, ua.NewExpandedNodeID(ua.NewNodeIDString(2, p.Device))),
		},
		dataValue(p.Tag, w.Sample(p.Ref)), dataType, ua.ValueRankScalar, nil, access, minSampling, false, nil)
	v.SetReadValueHandler(func(*server.Session, ua.ReadValueID) ua.DataValue { return dataValue(p.Tag, w.Sample(p.Ref)) })
	if p.Tag.Writable {
		v.SetWriteValueHandler(func(_ *server.Session, req ua.WriteValue) (ua.DataValue, ua.StatusCode) {
			return req.Value, write(w, p.Ref, req.Value.Value)
		})
	}
	nodes := []server.Node{v}
	add := func(name string, typ ua.NodeID, rank int32, value any) {
		nodes = append(nodes, s.property(id, p.Node+"."+name, name, typ, rank, value))
	}
	if p.Tag.Kind() == twin.Float && p.Tag.Range.Low != nil && p.Tag.Range.High != nil {
		add("EURange", ua.DataTypeIDRange, ua.ValueRankScalar, ua.Range{Low: *p.Tag.Range.Low, High: *p.Tag.Range.High})
	}
	if p.Tag.Kind() == twin.Float && p.Tag.Unit != "" {
		add("EngineeringUnits", ua.DataTypeIDEUInformation, ua.ValueRankScalar, ua.EUInformation{
			NamespaceURI: "http://unitsofmeasure.org", UnitID: -1,
			DisplayName: ua.NewLocalizedText(p.Tag.Unit, ""), Description: ua.NewLocalizedText(p.Tag.Unit, ""),
		})
	}
	if p.Tag.Type == "enum" {
		words := make([]ua.LocalizedText, len(p.Tag.States))
		for i, s := range p.Tag.States {
			words[i] = ua.NewLocalizedText(s, "")
		}
		add("EnumStrings", ua.DataTypeIDLocalizedText, ua.ValueRankOneDimension, words)
	}
	return nodes
}

func (s *opcuaServer) property(of ua.NodeID, id, name string, typ ua.NodeID, rank int32, value any) server.Node {
	now := time.Now()
	return server.NewVariableNode(s.srv, ua.ParseNodeID(id), ua.NewQualifiedName(0, name), ua.NewLocalizedText(name, ""),
		ua.NewLocalizedText("", ""), nil,
		[]ua.Reference{
			ua.NewReference(ua.ReferenceTypeIDHasTypeDefinition, false, ua.NewExpandedNodeID(ua.VariableTypeIDPropertyType)),
			ua.NewReference(ua.ReferenceTypeIDHasProperty, true, ua.NewExpandedNodeID(of)),
		},
		ua.NewDataValue(value, ua.Good, now, 0, now, 0), typ, rank, nil, ua.AccessLevelsCurrentRead, 0, false, nil)
}

func variableType(t twin.Tag) (variable, data ua.NodeID) {
	switch t.Kind() {
	case twin.Float:
		if t.Range.Low != nil && t.Range.High != nil {
			return ua.VariableTypeIDAnalogItemType, ua.DataTypeIDDouble
		}
		return ua.VariableTypeIDDataItemType, ua.DataTypeIDDouble
	case twin.Int:
		if t.Type == "enum" {
			return ua.VariableTypeIDMultiStateDiscreteType, ua.DataTypeIDInt32
		}
		return ua.VariableTypeIDDataItemType, ua.DataTypeIDInt64
	case twin.Bool:
		return ua.VariableTypeIDDataItemType, ua.DataTypeIDBoolean
	case twin.None, twin.String:
	}
	return ua.VariableTypeIDDataItemType, ua.DataTypeIDString
}

// dataValue is a sample as OPC UA has it. The server's own timestamp is the machine's: the library schedules by it.
func dataValue(t twin.Tag, s twin.Sample) ua.DataValue {
	var v ua.Variant
	switch {
	case t.Kind() == twin.Float:
		v = s.V.Float()
	case t.Type == "enum":
		v = int32(s.V.Int())
	case t.Kind() == twin.Int:
		v = s.V.Int()
	case t.Kind() == twin.Bool:
		v = s.V.Bool()
	default:
		v = s.V.Text()
	}
	return ua.NewDataValue(v, status(s.Q), time.Unix(0, s.T).UTC(), 0, time.Now(), 0)
}

// The severities without a reason, which the library has no name for.
const (
	uncertain = 0x40000000
	bad       = 0x80000000
)

// statuses is OPC 10000-8 A.3.2.3 from the quality byte to the status code.
var statuses = map[twin.Quality]ua.StatusCode{
	twin.Bad: bad, twin.ConfigurationError: ua.BadConfigurationError, twin.NotConnected: ua.BadNotConnected,
	twin.DeviceFailure: ua.BadDeviceFailure, twin.SensorFailure: ua.BadSensorFailure, twin.LastKnown: ua.UncertainLastUsableValue,
	twin.CommFailure: ua.BadNoCommunication, twin.OutOfService: ua.BadOutOfService, twin.WaitingInitial: ua.BadWaitingForInitialData,
	twin.Uncertain: uncertain, twin.LastUsable: ua.UncertainLastUsableValue, twin.SensorNotAccurate: ua.UncertainSensorNotAccurate,
	twin.EngUnitsExceeded: ua.UncertainEngineeringUnitsExceeded, twin.SubNormal: ua.UncertainSubNormal,
	twin.Good: ua.Good, twin.GoodLocalOverride: ua.GoodLocalOverride,
}

func status(q twin.Quality) ua.StatusCode {
	if s, ok := statuses[q]; ok {
		return s
	}
	switch {
	case q.IsGood():
		return ua.Good
	case q.IsUncertain():
		return uncertain
	}
	return bad
}

func write(w *plant.World, ref plant.Ref, v ua.Variant) ua.StatusCode {
	var val twin.Value
	switch x := v.(type) {
	case float64:
		val = twin.FloatValue(x)
	case int64:
		val = twin.IntValue(x)
	case int32:
		val = twin.IntValue(int64(x))
	case bool:
		val = twin.BoolValue(x)
	case string:
		val = twin.StringValue(x)
	default:
		return ua.BadTypeMismatch
	}
	switch err := w.Set(ref, val); {
	case err == nil:
		return ua.Good
	case fault.Is(err, fault.Denied):
		return ua.BadNotWritable
	}
	return ua.BadOutOfRange
}

// serve accepts connections until close.
func (s *opcuaServer) serve() error {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		s.conns.Add(1)
		go handleConnection(s.srv, conn, &s.conns)
	}
}

// close ends every connection and waits for it.
func (s *opcuaServer) close() error {
	err := errors.Join(s.listener.Close(), s.srv.Close())
	s.conns.Wait()
	s.srv.WorkerPool().StopWait()
	return err
}
