import Glibc

/// Unique names for models used together: each with as much of its path as needed.
public struct ModelNames: Sendable {
  /// Endings of files that models' names go without.
  public static let endings = [".npy", ".npz", ".safetensors", ".h5", ".hdf5"]

  /// How much of its path a model's name needs.
  private enum Need {
    /// So many parent folders before the model's own name.
    case folders(Int)
    /// The file's name with its ending: another file of the folder differs in that alone.
    case ending
  }

  private var needs: [String: Need] = [:]
  /// Names that the user gave, by path.
  private let given: [String: String]

  /// - Parameters:
  ///   - paths: of the models that are used together.
  ///   - given: what the user calls them, in the order of `paths`; none where their paths say it.
  public init(paths: [String], given: [String] = []) {
    self.given = Dictionary(zip(paths, given), uniquingKeysWith: { first, _ in first })
    let places = Dictionary(
      paths.map { ($0, Self.place(of: $0)) }, uniquingKeysWith: { first, _ in first })
    for (path, location) in places {
      let others = Set(places.values).subtracting([location])
      let most = location.split(separator: "/").count
      let depth = (0..<most).first { depth in
        !others.contains { Self.tail($0, depth) == Self.tail(location, depth) }
      }
      needs[path] = depth.map { .folders($0) } ?? .ending
    }
  }

  /// The name of a model that calls itself `name`, unlike those that are `taken`; the user's own word stands.
  public func name(of name: String, path: String, taken: Set<String> = []) -> String {
    if let given = given[path] { return given }
    let parts = Self.place(of: path).split(separator: "/").map(String.init)
    var own = name
    var least = 0
    switch needs[path] {
    case .folders(let depth)?: least = depth
    case .ending?: own = parts.last ?? name
    case nil: break
    }
    let parents = parts.dropLast()
    for depth in least...max(parents.count, least) {
      let candidate = (parents.suffix(depth) + [own]).joined(separator: "/")
      if !taken.contains(candidate) { return candidate }
    }
    let others = (2...).lazy.map { "\(own) (\($0))" }
    return others.first { !taken.contains($0) } ?? own
  }

  /// Where a path leads, from the root on; the path itself where that cannot be told.
  public static func location(of path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The path that a model is named after: a folder's own, of a file that of its folder and the name it was
  /// given by, which may be a link's.
  private static func place(of path: String) -> String {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      return location(of: path)
    }
    guard let slash = path.lastIndex(of: "/") else { return "\(location(of: "."))/\(path)" }
    return location(of: String(path[...slash])) + path[slash...]
  }

  /// The last parts of a path, `depth` folders and the model's own without its ending.
  private static func tail(_ path: String, _ depth: Int) -> [String] {
    var parts = path.split(separator: "/").suffix(depth + 1).map(String.init)
    if let last = parts.last { parts[parts.count - 1] = stem(last) }
    return parts
  }

  /// A file's name without the ending of a format that is read.
  public static func stem(_ name: String) -> String {
    let lowercased = name.lowercased()
    guard let ending = endings.first(where: { lowercased.hasSuffix($0) }) else { return name }
    return String(name.dropLast(ending.count))
  }
}
