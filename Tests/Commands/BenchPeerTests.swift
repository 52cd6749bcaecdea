import ActivationFiles
import Foundation
import TestSupport
import Testing

/// `cka-bench --peers`.
struct BenchPeerTests {
  let bench: Cka
  /// One model of four layers.
  let model: TestModel

  init() throws {
    var bench = try Cka()
    bench.program =
      URL(fileURLWithPath: Cka.path).deletingLastPathComponent().path + "/cka-bench"
    self.bench = bench
    model = TestModel(layers: 4, n: 24)
    try model.write(to: "model", in: bench.folder)
  }

  /// The folder of the peers' scripts in the checkout that these tests were built from.
  private var scripts: String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
      + "/../../Benchmarks/Peers"
  }

  private func run(python: String) throws -> Run {
    try bench(
      "model", "--batch-size", "8", "--runs", "3", "--peers", "--python", python, "--scripts",
      scripts, "--json", "peers.json")
  }

  private func rows() throws -> [String: [String: Any]] {
    let data = Data(try bench.bytes("peers.json"))
    let json = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    let rows = try #require(json["rows"] as? [[String: Any]])
    return Dictionary(uniqueKeysWithValues: rows.map { ($0["program"] as? String ?? "", $0) })
  }

  @Test func plantedFiguresAreReported() throws {
    // A map of zeros is off by 1 on the diagonal, where CKA is 1; two of its scores are missing.
    var map = [Double](repeating: 0, count: 16)
    (map[1], map[6]) = (.nan, .nan)
    try bench.folder.write(NPYWriter.data(shape: [4, 4], float64: map), to: "planted.npy")
    // In the place of Python: a peer of NumPy's name, one that fails, two that are not installed.
    try bench.folder.write(
      """
      #!/bin/sh
      output=$3
      case $1 in
      */numpy_peer.py) ;;
      */torch_peer.py) echo first line >&2; echo no memory left >&2; exit 1 ;;
      *) echo "not installed" >&2; exit 69 ;;
      esac
      [ "$2" = --output ] || exit 2
      case " $* " in
      *" --threads library "*) seconds=2000 ;;
      *) seconds=1000 ;;
      esac
      cp \(bench.folder.path)/planted.npy "$output"
      echo '{"program": "Planted 1.0", "detail": "by hand'"$OPENBLAS_NUM_THREADS"'"}'
      while read -r line; do
        echo "{\\"seconds\\": $seconds, \\"peakMemory\\": 12345, \\"memoryBefore\\": 345}"
      done
      """, to: "python")
    chmod("\(bench.folder.path)/python", 0o755)
    let run = try run(python: "\(bench.folder.path)/python")
    run.expectSuccess()
    let rows = try rows()
    let own = try #require((rows["cka"]?["seconds"] as? [String: Any])?["runs"] as? [Double])
    #expect(own.count == 3)
    let planted = try #require(rows["Planted 1.0"])
    // The faster of two variants, once only: it takes longer than a minute.
    let seconds = try #require(planted["seconds"] as? [String: Any])
    #expect(seconds["runs"] as? [Double] == [1000])
    // Variables that would hobble a library are taken away; these tests set one.
    #expect(bench.environment["OPENBLAS_NUM_THREADS"] == "1")
    #expect(planted["device"] as? String == "by hand")
    #expect(planted["peakMemory"] as? Int == 12345 && planted["workMemory"] as? Int == 12000)
    let ratio = try #require((planted["ratio"] as? [String: Any])?["median"] as? Double)
    #expect(abs(ratio * own[0] - 1000) < 1e-6)
    // CKA of a layer with itself is 1 in float64 to a few units of its rounding.
    #expect(abs(try #require(planted["error"] as? Double) - 1) < 1e-12)
    #expect(planted["undefined"] as? Int == 2)
    #expect(rows.count == 2)
    #expect(run.output.contains("PyTorch: not measured: python ended with code 1: no memory left"))
    #expect(
      run.output.contains("torch_cka: not measured: python ended with code 69: not installed"))
  }

  @Test func numPyIsRight() throws {
    // `make test` installs it.
    let python = try #require(pythonWithNumPy(), "no python3 with NumPy to test the peers with")
    let run = try run(python: python)
    run.expectSuccess()
    let rows = try rows()
    let (name, row) = try #require(rows.first { $0.key.hasPrefix("NumPy ") })
    // Float32 throughout: 1e-5 is two digits more than rounding of 24 examples leaves.
    #expect(try #require(row["error"] as? Double) < 1e-5, "\(name)")
    #expect(row["undefined"] as? Int == 0)
    #expect(try #require((row["ratio"] as? [String: Any])?["median"] as? Double) > 0)
    #expect((1 << 20..<2 << 30).contains(try #require(row["peakMemory"] as? Int)))
  }

  private func pythonWithNumPy() -> String? {
    let wanted = ProcessInfo.processInfo.environment["PYTHON"]
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let all = (wanted.map { [$0] } ?? []) + folders.map { "\($0)/python3" } + ["/usr/bin/python3"]
    return all.first { path in
      guard FileManager.default.isExecutableFile(atPath: path) else { return false }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = ["-c", "import numpy"]
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
  }
}
