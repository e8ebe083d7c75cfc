package exchange

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/lineshaft/lineshaft/twin"
	"github.com/lineshaft/lineshaft/twin/fault"
)

// ReadClasses reads every *.yaml in dir of fsys, each a mapping from class name to class, and resolves
// inheritance. A tag of a class that its parent has too changes only the fields it names.
func ReadClasses(fsys fs.FS, dir string) (twin.Classes, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list classes: %w", err)
	}
	if len(names) == 0 {
		return nil, fault.New(fault.NotFound, "no class files (*.yaml) in %s", dir)
	}
	r := classReader{nodes: map[string]classNode{}, files: map[string]*decoder{}, done: twin.Classes{}, full: map[string]twin.Class{}}
	var errs []error
	for _, name := range names {
		if err := r.load(fsys, name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for name := range r.nodes {
		r.class(name, nil)
	}
	for file, d := range r.files {
		if err := d.err(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	out, err := r.done.Resolve()
	if err != nil {
		return nil, fault.New(fault.Invalid, "classes in %s: %s", dir, err)
	}
	return out, nil
}

type classNode struct {
	file string
	at   ast.Node
	body ast.Node
}

// classReader reads parents before the classes that extend them, whatever files they stand in.
type classReader struct {
	nodes map[string]classNode
	files map[string]*decoder
	done  twin.Classes          // as declared
	full  map[string]twin.Class // with what they inherit
}

func (r *classReader) load(fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	root, err := parse(data)
	if err != nil {
		return err
	}
	d := &decoder{}
	r.files[name] = d
	for _, p := range d.pairs(root, "") {
		if first, ok := r.nodes[p.key]; ok {
			d.fail(p.at, p.key, p.key, "class is declared in %s too", first.file)
			continue
		}
		r.nodes[p.key] = classNode{name, p.at, p.value}
	}
	return d.err()
}

// class reads one class and, before it, the one it extends, and returns it with what it inherits. seen stops at
// a cycle, which Resolve reports.
func (r *classReader) class(name string, seen []string) twin.Class {
	if c, ok := r.full[name]; ok {
		return c
	}
	n, ok := r.nodes[name]
	if !ok || slices.Contains(seen, name) {
		return twin.Class{}
	}
	d := r.files[n.file]
	c := twin.Class{Name: name, Tags: []twin.Tag{}, Nameplate: []twin.Field{}}
	var base twin.Class
	d.fields(n.body, name, map[string]func(ast.Node, string){
		"title":  func(v ast.Node, f string) { c.Title = d.text(v, f) },
		"symbol": func(v ast.Node, f string) { c.Symbol = d.text(v, f) },
		"level":  func(v ast.Node, f string) { c.Level = d.level(v, f) },
		"extends": func(v ast.Node, f string) {
			c.Extends = d.text(v, f)
			if _, ok := r.nodes[c.Extends]; !ok {
				d.fail(v, f, c.Extends, "class is not declared")
				c.Extends = ""
			}
			base = r.class(c.Extends, append(seen, name))
		},
		"nameplate": func(v ast.Node, f string) { c.Nameplate = d.nameplate(v, f) },
		"renames":   func(v ast.Node, f string) { c.Renames = d.renames(v, f) },
		"tags":      func(ast.Node, string) {},
	})
	if !twin.ValidSegment(name) {
		d.fail(n.at, name, name, "a class's name stands in topics: letters, digits, _ and -, at most 40")
	}
	own := d.pairs(child(n.body, "tags"), name+".tags")
	for _, p := range own {
		t, inherited := base.Tag(p.key)
		if !inherited {
			t = twin.Tag{Name: p.key, Decimals: -1}
		}
		d.tag(p, name+".tags."+p.key, &t)
		c.Tags = append(c.Tags, t)
	}
	r.done[name] = c
	c.Tags = overlay(base.Tags, c.Tags)
	for _, p := range d.pairs(child(n.body, "renames"), name+".renames") {
		to := c.Renames[p.key]
		if _, ok := c.Tag(to); !ok {
			d.fail(p.value, join(name+".renames", p.key), to, "the class has no such tag")
		}
		if _, ok := c.Tag(p.key); ok {
			d.fail(p.at, join(name+".renames", p.key), p.key, "is the name of a tag of the class already")
		}
	}
	for _, p := range own {
		d.setpoint(p, name+".tags."+p.key, c.Tags)
	}
	r.full[name] = c
	return c
}

func overlay(base, own []twin.Tag) []twin.Tag {
	out := slices.Clone(base)
	for _, t := range own {
		if i := slices.IndexFunc(out, func(b twin.Tag) bool { return b.Name == t.Name }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return out
}

// child is the value of a field of a mapping, nil if it has none.
func child(n ast.Node, key string) ast.Node {
	var quiet decoder
	for _, p := range quiet.pairs(n, "") {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

func (d *decoder) level(n ast.Node, field string) twin.Level {
	l := twin.Level(d.text(n, field))
	if l.Rank() < 0 {
		d.fail(n, field, string(l), "is not a level: use one of %v", twin.Levels())
	}
	return l
}

func (d *decoder) nameplate(n ast.Node, field string) []twin.Field {
	out := []twin.Field{}
	for _, p := range d.pairs(n, field) {
		f := twin.Field{Name: p.key}
		if s, ok := scalar(p.value); ok {
			f.Title = s
		} else {
			d.fields(p.value, join(field, p.key), map[string]func(ast.Node, string){
				"title": func(v ast.Node, at string) { f.Title = d.text(v, at) },
				"unit":  func(v ast.Node, at string) { f.Unit = d.code(v, at) },
			})
		}
		out = append(out, f)
	}
	return out
}

// renames reads the old names of tags.
func (d *decoder) renames(n ast.Node, field string) map[string]string {
	out := map[string]string{}
	for _, p := range d.pairs(n, field) {
		out[p.key] = d.text(p.value, join(field, p.key))
	}
	return out
}
