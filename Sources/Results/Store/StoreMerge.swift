import Activations
import CKA
import Glibc
import Support

/// Joins the shards that sweeps computed into one store.
///
/// Files are linked where the file system can, since none is ever changed; else copied. The store
/// is written atomically; its bytes do not depend on the order of the shards.
public struct StoreMerge {
  private let shares: [Store]
  private let document: Store.Document
  private let entries: [ModelEntry]

  /// Minibatches of the joined store.
  public var minibatchCount: Int { shares.reduce(0) { $0 + $1.minibatches.count } }

  /// Models of the joined store.
  public var modelCount: Int { entries.count }

  /// What was joined, and the store at `path` that it is in.
  package func summary(store path: String) -> String {
    "\(shares.count) shares of \(modelCount) models, \(minibatchCount) minibatches\nstored in "
      + oneLine(path)
  }

  /// Looks whether the shares at `paths` belong together and are all there is.
  ///
  /// - Throws: `.data` where settings or models differ, minibatches are there twice or missing, or a
  ///   file is damaged.
  public init(_ paths: [String]) throws {
    var shares: [Store] = []
    for path in paths {
      let store = try Store(reading: path)
      guard store.document.shard != nil else {
        throw StoreError(
          .data, path, "has all minibatches; expected a shard of cka sweep --shard")
      }
      shares.append(store)
    }
    // What comes out is the same whatever the order of the shares.
    shares.sort {
      ($0.document.shard?.index ?? 0, $0.path) < ($1.document.shard?.index ?? 0, $1.path)
    }
    guard let first = shares.first else {
      throw StoreError(.usage, "cka merge", "no shards were given")
    }
    self.shares = shares
    document = Store.Document(
      settings: first.document.settings, exampleCount: first.document.exampleCount,
      dropped: first.document.dropped, shard: nil)
    for share in shares {
      try share.checkHasModels()
      try Self.checkSettings(share, first)
      try Self.checkModels(share, first)
    }
    try Self.checkMinibatches(shares, total: first.plan.batches.count)
    for share in shares { try Self.checkWhole(share) }
    entries = first.entries.indices.map { place in
      var entry = first.entries[place].entry
      for share in shares.dropFirst() {
        entry.keys.merge(share.entries[place].entry.keys) { own, _ in own }
      }
      return entry
    }
  }

  private static func checkSettings(_ share: Store, _ first: Store) throws(StoreError) {
    if let (option, own, other) = share.document.settings.difference(from: first.document.settings)
    {
      throw StoreError(
        .data, share.path, "was made with \(option) \(own), \(first.path) with \(other)")
    }
    guard share.document.exampleCount == first.document.exampleCount else {
      throw StoreError(
        .data, share.path,
        "has models of \(share.document.exampleCount) examples, \(first.path) of "
          + "\(first.document.exampleCount)")
    }
    guard share.document.dropped == first.document.dropped else {
      throw StoreError(
        .data, share.path,
        "leaves out other examples (--drop-examples) than \(first.path): make both with the same "
          + "models")
    }
  }

  /// The same models in the same order.
  private static func checkModels(_ share: Store, _ first: Store) throws(StoreError) {
    let (own, others) = (share.entries.map(\.entry), first.entries.map(\.entry))
    for (a, b) in zip(own, others) {
      guard a.model.name == b.model.name else {
        throw StoreError(
          .data, share.path,
          "has the model \(a.model.name) where \(first.path) has \(b.model.name): expected the same "
            + "models in the same order")
      }
      guard a.model.layers == b.model.layers, a.sample == b.sample else {
        throw StoreError(
          .data, share.path,
          "its model \(a.model.name) differs from that of \(first.path): layers or activations "
            + "differ")
      }
    }
    guard own.count == others.count else {
      let (more, fewer) = own.count > others.count ? (share, first) : (first, share)
      let name = more.entries[fewer.entries.count].entry.model.name
      throw StoreError(.data, fewer.path, "lacks the model \(name) of \(more.path)")
    }
  }

  private static func checkMinibatches(_ shares: [Store], total: Int) throws(StoreError) {
    var owners: [Int: Store] = [:]
    for share in shares {
      for minibatch in share.minibatches {
        guard let other = owners.updateValue(share, forKey: minibatch) else { continue }
        throw StoreError(
          .data, share.path,
          "overlaps \(other.path): both hold minibatch \(minibatch + 1) "
            + "(shards \(share.document.shard.map(\.description) ?? "?") and "
            + "\(other.document.shard.map(\.description) ?? "?"))")
      }
    }
    let missing = (0..<total).filter { owners[$0] == nil }
    guard let first = missing.first else { return }
    var words = missing.prefix(8).map { String($0 + 1) }.joined(separator: ", ")
    if missing.count > 8 { words += ", …" }
    let count = shares[0].document.shard?.count ?? 1
    let shards = Set(missing.map { $0 % count + 1 }).sorted().map { "\($0)/\(count)" }
    // Shards of one division are named; of several, only minibatches can be.
    let isOneDivision = Set(shares.map { $0.document.shard?.count }).count == 1
    throw StoreError(
      .data, isOneDivision ? "shard \(shards.joined(separator: ", "))" : "minibatch \(first + 1)",
      "is missing: \(missing.count) of \(total) minibatches are in no shard (\(words))")
  }

  /// Looks whether a share has all of its minibatches.
  private static func checkWhole(_ share: Store) throws {
    func lacks(_ minibatch: Int, _ models: String) -> StoreError {
      StoreError(
        .data, share.path,
        "lacks minibatch \(minibatch + 1) of \(models): run its cka sweep again")
    }
    for minibatch in share.minibatches {
      var products = ProductIndex()
      try products.addAll(in: share, minibatch) { (error) throws(StoreError) in throw error }
      var keys: [Digest] = []
      for (_, entry) in share.entries {
        guard let key = entry.key(minibatch) else { throw lacks(minibatch, entry.model.name) }
        _ = try share.grams(minibatch, key, layerCount: entry.model.layers.count)
        keys.append(key)
      }
      for b in keys.indices {
        for a in 0...b where !products.contains(minibatch, keys[a], keys[b]) {
          let (left, right) = (share.entries[a].entry.model, share.entries[b].entry.model)
          throw lacks(minibatch, "\(left.name) with \(right.name)")
        }
      }
    }
  }

  /// Writes the joined store to `path`, where nothing or an empty folder may be, or this store as it was
  /// written before: whoever was stopped behind that goes on from it.
  ///
  /// - Returns: what is in it. No other process writes to the store as long as this lives.
  @discardableResult
  public func write(to path: String) throws -> SweepResults {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if try !isWritten(to: path) { try writeNew(path) }
    let lock = try StoreLock(store: path)
    return try SweepResults(store: path, lock: lock)
  }

  /// Whether `path` is the joined store. Throws where it is anything else but nothing or an empty folder.
  private func isWritten(to path: String) throws -> Bool {
    guard try StorePath.exists(path) else { return false }
    let isFolder = try StorePath.isFolder(path)
    if try isFolder && StorePath.contents(path).isEmpty { return false }
    guard isFolder, try StorePath.exists("\(path)/store.json") else { throw Self.isTaken(path) }
    let store = try Store(reading: path)
    let isThis =
      store.document == document && store.damagedEntries.isEmpty
      && store.entries.map(\.entry)
        == entries.map {
          var entry = $0
          entry.settings = store.settingsDigest
          return entry
        }
    guard isThis else { throw Self.isTaken(path) }
    try Self.checkWhole(store)
    return true
  }

  private static func isTaken(_ path: String) -> StoreError {
    StoreError(.cannotCreate, path, "exists; --output names another store")
  }

  private func writeNew(_ path: String) throws {
    let (parent, name) = splitPath(path)
    try StorePath.makeFolder(parent)
    let prefix = ".\(name)\(StorePath.asidePrefix)"
    for leftover in try StorePath.contents(parent) where leftover.hasPrefix(prefix) {
      guard let process = pid_t(leftover.dropFirst(prefix.count)),
        process == getpid() || kill(process, 0) != 0 && errno == ESRCH
      else { continue }
      Store.removeFiles(at: "\(parent)/\(leftover)")
    }
    let aside = "\(parent)/\(prefix)\(getpid())"
    guard mkdir(aside, 0o777) == 0 else { throw StoreError.writing(path, errno) }
    do {
      try fill(aside)
      guard rename(aside, path) == 0 else { throw StoreError.writing(path, errno) }
    } catch {
      Store.removeFiles(at: aside)
      throw error
    }
    synchronizeFolder(parent)
  }

  private func fill(_ folder: String) throws {
    try Store.write(document, to: folder)
    var store = try Store(folder, document)
    let lists = shares.map { "\($0.path)/examples.json" }
    if let ids = try lists.first(where: { try StorePath.exists($0) }) {
      try Self.take(ids, to: "\(folder)/examples.json")
    }
    for (place, entry) in entries.enumerated() {
      var entry = entry
      entry.settings = store.settingsDigest
      try store.put(entry, number: place + 1)
    }
    for share in shares {
      for minibatch in share.minibatches {
        let folders = [
          (share.gramsFolder(minibatch), store.gramsFolder(minibatch)),
          (share.productsFolder(minibatch), store.productsFolder(minibatch)),
        ]
        for (source, target) in folders {
          try StorePath.makeFolder(target)
          for name in try StorePath.contents(source) where StorePath.isOwn(name) {
            try Self.take("\(source)/\(name)", to: "\(target)/\(name)")
          }
          synchronizeFolder(target)
        }
      }
    }
  }

  /// Links a file, or copies it.
  private static func take(_ source: String, to target: String) throws(StoreError) {
    if linkat(AT_FDCWD, source, AT_FDCWD, target, AT_SYMLINK_FOLLOW) == 0 { return }
    let mapped = try mapFile(source)
    let file = try NewFile(target)
    try file.write(mapped.bytes, at: 0)
    try file.finish()
  }
}
