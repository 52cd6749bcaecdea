/// Which classes belong together, at several levels: a directed graph from classes up to groups, such as
/// WordNet's. A class or group may have several parents.
public struct ClassHierarchy: Sendable {
  private let children: [String: [String]]
  /// All names, each behind all that stand below it.
  private let order: [String]

  /// A hierarchy of the given arrows; those that are there twice count once.
  ///
  /// - Throws: where a group is its own ancestor.
  public init(_ arrows: [(child: String, parent: String)]) throws(PredictionError) {
    var children: [String: [String]] = [:]
    var seen: Set<[String]> = []
    for arrow in arrows where seen.insert([arrow.child, arrow.parent]).inserted {
      children[arrow.parent, default: []].append(arrow.child)
    }
    self.children = children
    order = try Self.order(of: children)
  }

  /// Whether a class or group is part of it.
  public func contains(_ name: String) -> Bool { order.contains(name) }

  /// The groups that hold at least `least` of the classes `names`, by name, with the indices of those.
  ///
  /// A group of all classes is left out, and so is one with the same classes as a group right below it.
  public func groups(of names: [String], least: Int) -> [(name: String, classes: [Int])] {
    let indices = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
    var classes: [String: Set<Int>] = [:]
    for name in order {
      let below = (children[name] ?? []).compactMap { classes[$0] }
      classes[name] = below.reduce(Set(indices[name].map { [$0] } ?? [])) { $0.union($1) }
    }
    return children.keys.sorted().compactMap { name in
      guard let own = classes[name], own.count >= least, own.count < names.count else { return nil }
      let isRepeated = (children[name] ?? []).contains {
        children[$0] != nil && classes[$0] == own
      }
      return isRepeated ? nil : (name, own.sorted())
    }
  }

  /// Depth first, without recursion: a chain may be longer than the stack is deep.
  private static func order(of children: [String: [String]]) throws(PredictionError) -> [String] {
    var order: [String] = []
    var finished: Set<String> = []
    for start in children.keys.sorted() where !finished.contains(start) {
      var path: [(name: String, next: Int)] = [(start, 0)]
      var onPath: Set<String> = [start]
      while let (name, next) = path.last {
        let below = children[name] ?? []
        guard next < below.count else {
          onPath.remove(name)
          finished.insert(name)
          order.append(name)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let child = below[next]
        guard !onPath.contains(child) else {
          throw PredictionError("the group \(child) contains itself, through \(name)")
        }
        if !finished.contains(child) {
          onPath.insert(child)
          path.append((child, 0))
        }
      }
    }
    return order
  }
}
