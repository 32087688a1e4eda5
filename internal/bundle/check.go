// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package bundle

// Check says which rule of a manifest m breaks, as a *[ParseError] without a
// file and a line, nil for none:
//
//   - an ID stands once, among the migrations or among those gone;
//   - each file has the name that [FileName] gives it;
//   - an ID is superseded by one migration only, never by itself, never
//     while it is in the bundle, and never in a circle;
//   - what a migration requires stands before it, is superseded by one that
//     does, or is gone.
func (m *Manifest) Check() error {
	for _, check := range []func(*Manifest) error{checkIDs, checkSupersedes, checkRequires} {
		if err := check(m); err != nil {
			return at("manifest", 0, err)
		}
	}
	return nil
}

func checkIDs(m *Manifest) error {
	seen := map[ID]bool{}
	once := func(id ID) error {
		if seen[id] {
			return broken("", "migration stands twice: ", quote(string(id)))
		}
		seen[id] = true
		return nil
	}
	for i := range m.Migrations {
		one := &m.Migrations[i]
		if want := FileName(i, len(m.Migrations), one.ID); one.File != want {
			return broken("", "File is ", quote(one.File), ", must be ", quote(want))
		}
		if err := once(one.ID); err != nil {
			return err
		}
	}
	for i := range m.Gone {
		if err := once(m.Gone[i].ID); err != nil {
			return err
		}
		if i > 0 && m.Gone[i-1].ID >= m.Gone[i].ID {
			return broken("", "Gone is not sorted at ", quote(string(m.Gone[i].ID)))
		}
	}
	return nil
}

func checkSupersedes(m *Manifest) error {
	by := map[ID]ID{}
	var all []ID // the keys of by, in the order of the manifest
	in := map[ID]bool{}
	for i := range m.Migrations {
		in[m.Migrations[i].ID] = true
	}
	add := func(id ID, old []ID) error {
		for _, o := range old {
			if first, twice := by[o]; twice {
				return broken("let one migration supersede it", quote(string(o)), " is superseded by ", quote(string(first)), " and by ", quote(string(id)))
			}
			if in[o] {
				return broken("remove one of them", quote(string(o)), " is in the bundle and superseded by ", quote(string(id)))
			}
			by[o] = id
			all = append(all, o)
		}
		return nil
	}
	for i := range m.Migrations {
		if err := add(m.Migrations[i].ID, m.Migrations[i].Supersedes); err != nil {
			return err
		}
	}
	for i := range m.Gone {
		if err := add(m.Gone[i].ID, m.Gone[i].Supersedes); err != nil {
			return err
		}
	}
	return checkCircle(all, by)
}

// checkCircle follows each chain of "is superseded by" once. It begins with
// each of all, so that the same manifest always gives the same message.
func checkCircle(all []ID, by map[ID]ID) error {
	ends := map[ID]bool{} // known to reach an end
	for _, start := range all {
		walked := map[ID]bool{}
		for id := start; ; id = by[id] {
			if walked[id] {
				return broken("", quote(string(id)), " supersedes itself")
			}
			if _, more := by[id]; ends[id] || !more {
				break
			}
			walked[id] = true
		}
		for id := range walked {
			ends[id] = true
		}
	}
	return nil
}

func checkRequires(m *Manifest) error {
	x := m.Index()
	for i := range m.Migrations {
		for _, id := range m.Migrations[i].Requires {
			target := x.Resolve(id)
			place, in := x.Position(target)
			switch {
			case in && place < i, x.Gone(target) != nil:
			case in:
				return broken("", quote(string(m.Migrations[i].ID)), " requires ", quote(string(id)), ", which does not stand before it")
			default:
				return broken("", quote(string(m.Migrations[i].ID)), " requires ", quote(string(id)), ", which is not in the bundle")
			}
		}
	}
	return nil
}
