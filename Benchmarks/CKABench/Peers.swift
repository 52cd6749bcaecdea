import CommandSupport
import Foundation
import Support

/// A program that people would run instead.
struct Peer {
  let name: String
  /// A file of `Benchmarks/Peers`.
  let script: String
  /// Ways to run it, of which the fastest counts.
  let variants: [[String]]
  let canDo: @Sendable (Workload) -> Bool

  private static let choices = ["layers", "library"].flatMap { threads in
    ["features", "gram"].map { ["--threads", threads, "--center", $0] }
  }

  static let all = [
    Peer(name: "NumPy", script: "numpy_peer.py", variants: choices) { _ in true },
    Peer(name: "PyTorch", script: "torch_peer.py", variants: choices) { _ in true },
    // All examples at once are one minibatch to it.
    Peer(name: "pytorch-cka", script: "pytorch_cka_peer.py", variants: [[]]) {
      $0.kernel == .linear
    },
    // It makes Gram matrices and their products anew for each pair: n³ operations a pair would
    // take a quarter of an hour on `full-set` and hours on `pairs`.
    Peer(name: "torch_cka", script: "torch_cka_peer.py", variants: [[]]) {
      guard case .minibatch = $0.method else { return false }
      return $0.kernel == .linear && $0.layers * $0.layers * $0.models < 10_000
    },
  ]
}

/// How peers are started.
struct PeerEnvironment {
  let python: String
  let scripts: String

  /// - Parameters:
  ///   - python: the user's choice; else that of `make bench-peers`, else the PATH's.
  ///   - scripts: the user's choice; else `Benchmarks/Peers` here or around this command.
  init(python: String?, scripts: String?) throws {
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    let above = sequence(first: splitPath(ownPath).folder) { folder in
      folder == "/" || folder == "." ? nil : splitPath(folder).folder
    }
    // A bundle keeps its data in share/cka.
    let roots = ["."] + above.flatMap { [$0, "\($0)/share/cka"] }
    let found = scripts ?? roots.map { "\($0)/Benchmarks/Peers" }.first { exists("\($0)/peer.py") }
    guard let found, exists("\(found)/peer.py") else {
      throw Failure(
        .noInput, "\(scripts ?? "Benchmarks/Peers"): no peer.py there; --scripts names the folder")
    }
    self.scripts = found
    if let python {
      self.python = python
    } else {
      let own = roots.map { "\($0)/.venv-peers/bin/python" }.first { exists($0) }
      self.python = try own ?? Self.pathPython()
    }
  }

  private static func pathPython() throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let found = folders.map { "\($0)/python3" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
    guard let found else { throw Failure(.noInput, "python3: not found; --python names one") }
    return found
  }

  /// Starts one way of running `peer`.
  func start(
    _ peer: Peer, _ variant: [String], on workload: Workload, paths: [String], map: String,
    folder: TemporaryFolder
  ) throws -> Child {
    try Child(
      [python, "\(scripts)/\(peer.script)", "--output", map] + variant
        + workload.arguments(models: paths),
      // Progress bars cost time; byte code does not belong beside the scripts.
      environment: ["TQDM_DISABLE": "1", "PYTHONDONTWRITEBYTECODE": "1"], folder: folder)
  }
}

extension Run {
  /// Seconds that one peer may take for its counted runs of one workload.
  private static let patience = 60.0

  /// Every peer beside cka on every workload.
  func runPeers(in folder: TemporaryFolder) throws -> Document {
    let environment = try PeerEnvironment(python: python, scripts: scripts)
    let device = try openDevice(device.first ?? "cpu", precision: precision).info
    var document = Document(command: "peers", machine: try Machine(folder: folder))
    try Console.print(document.header(devices: [device]))
    try forEachWorkload(in: folder) { workload, paths in
      try Console.print("\n\(workload.name): \(workload.description)")
      var race = try Race(workload, paths: paths, device: device, folder: folder)
      for peer in Peer.all where peer.canDo(workload) {
        if let reason = try race.enter(peer, environment) {
          try Console.print("\(peer.name): not measured: \(reason)")
        }
      }
      let rows = try race.rows(runs: countedRuns, patience: Self.patience)
      try Console.print(peerTable(rows), terminator: "")
      document.rows += rows
    }
    return document
  }
}

/// One workload's rows for people.
private func peerTable(_ rows: [Document.Row]) -> String {
  var table = TextTable([
    ("program", .left), ("median", .right), ("least … most", .right), ("time / cka's", .right),
    ("least … most", .right), ("error", .right), ("undefined", .right), ("memory", .right),
    ("how", .left),
  ])
  for row in rows {
    table.add([
      row.program, Format.seconds(row.seconds.median), range(row.seconds),
      row.ratio.map { Format.fixed($0.median, 2) } ?? "–",
      row.ratio.map { "\(Format.fixed($0.least, 2)) … \(Format.fixed($0.most, 2))" } ?? "–",
      row.error.map(Format.scientific) ?? "–", String(row.undefined ?? 0),
      Format.bytes(row.peakMemory), row.device,
    ])
  }
  return table.text
}
