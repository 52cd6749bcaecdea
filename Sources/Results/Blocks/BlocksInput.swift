import Activations
import Device
import Support

/// The maps in which blocks are looked for: networks with themselves, and, of a sweep, all pairs.
public struct BlocksInput: Sendable {
  /// A network's map with itself.
  public struct Network: Sendable {
    /// The result that it is of.
    public package(set) var document: ResultDocument
    var path: String
    /// CKA, layers × layers; NaN where a cell has no value.
    public package(set) var map: Matrix<Double>
    /// The architecture, as the sweep has it; nil for a result of `compare`.
    var group: String?
    var seed: String?

    var model: ResultDocument.Model { document.models[0] }
  }

  /// The numbers of two different networks of a sweep.
  struct Pair: Sendable {
    /// Places in `networks`.
    var left: Int
    var right: Int
    var path: String
  }

  /// In the order in which they were given.
  public let networks: [Network]
  let pairs: [Pair]

  /// The folders of several results of `compare`, each of one network, or of one sweep: its store, or the
  /// folder `results` in it.
  ///
  /// - Throws: `Failure` where a folder is no such result, or damaged.
  public init(_ paths: [String]) throws {
    if paths.count == 1, let sweep = try Self.sweepFolder(paths[0]) {
      try self.init(sweep: sweep)
      return
    }
    if let sweep = try paths.first(where: { try Self.sweepFolder($0) != nil }) {
      throw Failure(
        .usage, "\(oneLine(sweep)): is a sweep; give it alone, without other results")
    }
    self.init(
      networks: Self.toldApart(try concurrentMap(paths) { try Self.network(at: $0) }), pairs: [])
  }

  /// Results of `compare`, each of one network with itself, that need not be in files.
  ///
  /// - Throws: `Failure` where a result is of two networks.
  public init(_ results: [CompareResult]) throws {
    self.init(
      networks: Self.toldApart(
        try results.map { result in
          try Network(
            result, path: result.document.models[0].path, document: result.document.models[0].name)
        }), pairs: [])
  }

  /// The networks with the folders of their results before names that several have.
  private static func toldApart(_ networks: [Network]) -> [Network] {
    let byName = Dictionary(grouping: networks, by: \.model.name)
    let repeated = networks.filter { (byName[$0.model.name]?.count ?? 0) > 1 }
    func file(_ network: Network) -> String { "\(network.path)/\(ResultDocument.name)" }
    let names = ModelNames(paths: repeated.map(file))
    // None takes the plain name: neither is more than the other.
    var taken = Set(byName.keys)
    return networks.map { network in
      guard (byName[network.model.name]?.count ?? 0) > 1 else { return network }
      var network = network
      let name = names.name(of: network.model.name, path: file(network), taken: taken)
      taken.insert(name)
      network.document.models[0].name = name
      return network
    }
  }

  private init(networks: [Network], pairs: [Pair]) {
    self.networks = networks
    self.pairs = pairs
  }

  private init(sweep folder: String) throws {
    let path = "\(folder)/\(SweepDocument.name)"
    let document = try SweepDocument(at: path)
    let own = document.pairs.filter { $0.left == $0.right }
    let places = Dictionary(own.map { ($0.left, $0) }) { first, _ in first }
    let networks = try concurrentMap(Array(document.models.enumerated())) { index, model in
      guard let pair = places[index] else {
        throw Failure(
          .data,
          "\(oneLine(path)): has no map of \(oneLine(model.name)) with itself: the sweep is "
            + "incomplete; run the same sweep command again")
      }
      var network = try Self.network(at: "\(folder)/\(pair.folder)")
      network.group = model.group
      network.seed = model.seed
      return network
    }
    let pairs = document.pairs.filter { $0.left != $0.right }.map {
      Pair(left: $0.left, right: $0.right, path: "\(folder)/\($0.folder)")
    }
    self.init(networks: networks, pairs: pairs)
  }

  /// The map of a pair.
  func map(of pair: Pair) throws -> Matrix<Double> {
    let (rows, columns) = (networks[pair.left].map.rows, networks[pair.right].map.rows)
    return try writtenScores(at: "\(pair.path)/cka.npy", rows: rows, columns: columns)
  }

  private static func network(at path: String) throws -> Network {
    try Network(
      CompareResult(in: path), path: path, document: "\(path)/\(ResultDocument.name)")
  }

  /// The folder of `sweep.json` for a store or its results.
  private static func sweepFolder(_ path: String) throws(Failure) -> String? {
    let folder = try resultFolder(path)
    return try isThere("\(folder)/\(SweepDocument.name)") ? folder : nil
  }
}

extension BlocksInput.Network {
  /// The network of a result.
  ///
  /// - Parameter place: what messages call the document of the result.
  fileprivate init(_ result: CompareResult, path: String, document place: String) throws(Failure) {
    guard result.document.models.count == 1 else {
      let names = result.document.models.map { oneLine($0.name) }.joined(separator: " with ")
      throw Failure(
        .data,
        "\(oneLine(place)): compares \(names); expected the result of one model with itself")
    }
    self.init(document: result.document, path: path, map: result.cka)
  }
}
