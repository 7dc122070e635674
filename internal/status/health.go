package status

// Health is what balancers are told: whether requests may come.
type Health struct {
	// Whether the health route answers 200.
	Ready bool `json:"ready"`
	// The process or the listener ends, so that balancers should take this node out.
	Draining bool `json:"draining,omitempty"`
	// Why it is not ready.
	Because []string `json:"because,omitempty"`
}

// Facts are what health depends on.
type Facts struct {
	Started  bool  // what is configured serves
	Policies bool  // there are policies, or none are asked for
	Ledger   error // why the ledger cannot store, nil where it can or none is needed
	Draining bool
}

// Ready says whether requests may come. It takes no memory.
func (f *Facts) Ready() bool { return f.Started && f.Policies && f.Ledger == nil && !f.Draining }

// Health says the same with the reasons.
func (f *Facts) Health() Health {
	h := Health{Ready: f.Ready(), Draining: f.Draining}
	if !f.Started {
		h.Because = append(h.Because, "the configuration is not in force yet")
	}
	if !f.Policies {
		h.Because = append(h.Because, "there are no policies yet")
	}
	if f.Ledger != nil {
		h.Because = append(h.Because, "the ledger: "+f.Ledger.Error())
	}
	if f.Draining {
		h.Because = append(h.Because, "the gateway is about to stop")
	}
	return h
}
