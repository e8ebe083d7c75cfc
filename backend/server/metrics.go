package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lineshaft/lineshaft/backend/stream"
)

// metrics exposes a tenant's counts to Prometheus. Nothing of another tenant, and no load of the whole process, is in
// them: those would tell one tenant what another does.
type metrics struct{ parts *parts }

var (
	messagesMetric = prometheus.NewDesc("lineshaft_messages_total", "Messages taken, each once.", []string{"site"}, nil)
	readingsMetric = prometheus.NewDesc("lineshaft_readings_total", "Readings in the messages taken.", []string{"site"}, nil)
	repeatsMetric  = prometheus.NewDesc("lineshaft_duplicates_total", "Messages that had come before.", []string{"site"}, nil)
	lettersMetric  = prometheus.NewDesc("lineshaft_dead_letters_total", "Messages refused by intake, whole or in part.", []string{"site"}, nil)
	refusedMetric  = prometheus.NewDesc("lineshaft_refused_total", "Messages refused at the broker.", nil, nil)
	droppedMetric  = prometheus.NewDesc("lineshaft_dead_letters_dropped_total", "Dead letters that did not fit the quota.", nil, nil)
	devicesMetric  = prometheus.NewDesc("lineshaft_devices", "Devices registered.", []string{"site"}, nil)
	onlineMetric   = prometheus.NewDesc("lineshaft_devices_online", "Devices online.", []string{"site"}, nil)
	bufferedMetric = prometheus.NewDesc("lineshaft_buffered_messages", "Messages waiting at gateways.", []string{"site"}, nil)
	tagsMetric     = prometheus.NewDesc("lineshaft_tags", "Tags by the age of their value.", []string{"site", "age"}, nil)
	lagMetric      = prometheus.NewDesc("lineshaft_lag_records", "Records of the stream a group has not committed.", []string{"group"}, nil)
)

// handler serves the metrics of one tenant.
func (m metrics) handler(tenant string) http.Handler {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(tenantMetrics{m.parts, tenant})
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}

type tenantMetrics struct {
	parts  *parts
	tenant string
}

// Describe implements prometheus.Collector.
func (t tenantMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(t, ch) }

// Collect implements prometheus.Collector.
func (t tenantMetrics) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	c := t.parts.intake.Counters(t.tenant)
	for site, n := range c.Sites {
		counter(messagesMetric, n.Messages, site)
		counter(readingsMetric, n.Readings, site)
		counter(repeatsMetric, n.Duplicates, site)
		counter(lettersMetric, n.Letters, site)
	}
	counter(refusedMetric, c.Refused)
	counter(droppedMetric, c.Dropped)
	_, bySite := t.parts.signals.counts(t.tenant)
	for site, n := range bySite {
		gauge(devicesMetric, n.Devices, site)
		gauge(onlineMetric, n.Online, site)
		gauge(bufferedMetric, int(n.Buffered), site)
		gauge(tagsMetric, n.Fresh, site, "fresh")
		gauge(tagsMetric, n.Late, site, "late")
		gauge(tagsMetric, n.Stale, site, "stale")
	}
	for _, g := range stream.Groups() {
		records, _ := t.parts.stream.Lag(g)
		gauge(lagMetric, records, g)
	}
}
