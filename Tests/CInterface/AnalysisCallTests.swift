import CInterface
import CKAHeader
import Foundation
import TestSupport
import Testing

/// The analyses beside `cka_compare`: what is in their results, and that options arrive.
@Suite struct AnalysisCallTests {
  private static let n = 24

  private let left = [
    Activations64.normal(n: n, p: 5, seed: 1), Activations64.normal(n: n, p: 9, seed: 2),
    Activations64.normal(n: n, p: 5, seed: 1).mixed(into: .normal(n: n, p: 7, seed: 3), weight: 1),
  ]

  /// The rounding of float32 Gram matrices of well-conditioned layers: `Documentation/Numerics.md`.
  private let tolerance = 1e-5

  private func isNear(_ found: [Double], unbiased: Bool) -> Bool {
    left.indices.allSatisfy { i in
      left.indices.allSatisfy { j in
        abs(found[3 * i + j] - Oracle.cka(left[i], left[j], unbiased: unbiased)) < tolerance
      }
    }
  }

  @Test func trustHasErrorsAndOnePair() throws {
    let result = cka_trust(
      Memory(left).kept, 0, #"{"cell": ["0", "2"], "permutations": 19, "top": 3, "device": "cpu"}"#,
      nil, nil, nil)
    #expect(try isNear(numbers("cka", of: result), unbiased: true))
    #expect(try numbers("standard-error", of: result).allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(try numbers("control", of: result).count == 9)
    let pair = try #require(try json("trust.json", of: result)["pair"] as? [String: Any])
    #expect(pair["row"] as? Int == 0 && pair["column"] as? Int == 2)
    #expect(
      try String(decoding: file("examples.csv", of: result), as: UTF8.self).split(separator: "\n")
        .count == 25)
    #expect(cka_result_status(result, 1, 1, nil).map { String(cString: $0) } == "ok")
    var error = cka_error()
    #expect(cka_trust(Memory(left).kept, 0, #"{"cell": ["0", "9"]}"#, nil, nil, &error) == 0)
    #expect(message(error) == "m: no layer is called 9; see cka inspect")
    #expect(cka_trust(Memory(left).kept, 0, #"{"top": 3}"#, nil, nil, &error) == 0)
    #expect(message(error) == "options: top needs a cell")
  }

  @Test func convergeHasErrorsByBatchSize() throws {
    let result = cka_converge(
      Memory(left).kept, 0,
      #"{"batch_sizes": [6, 12], "passes": [1, 2], "repeats": 2, "device": "cpu"}"#, nil, nil, nil)
    #expect(try isNear(numbers("exact", of: result), unbiased: true))
    #expect(try numbers("errors", of: result).count == 2 * 2 * 9)
    let points = try #require(try json("converge.json", of: result)["points"] as? [Any])
    #expect(points.count == 4)
  }

  @Test func componentsHaveMapsWithoutTheFirst() throws {
    let result = cka_components(
      Memory(left).kept, 0,
      #"{"components": 3, "remove": [1, 2], "estimator": "biased", "device": "cpu"}"#,
      nil, nil, nil)
    #expect(try isNear(numbers("cka", of: result), unbiased: false))
    #expect(try numbers("reduced", of: result).count == 2 * 9)
    #expect(try numbers("contributions", of: result).count == 9 * 9)
  }

  @Test func probeFindsClasses() throws {
    // The first feature decides the class.
    let classes = (0..<Self.n).map { Int64(left[0].values[$0 * left[0].p] > 0 ? 1 : 0) }
    func probe(_ count: Int, _ error: inout cka_error) -> cka_handle {
      classes.withUnsafeBytes { numbers in
        [Int64(count)].withUnsafeBufferPointer { shape in
          var array = cka_array(
            data: numbers.baseAddress, shape: shape.baseAddress, axes: 1, type: CKA_INT64,
            is_fortran_order: 0)
          return cka_probe(
            Memory(left).kept, &array, #"{"penalty": 0.01, "test_fraction": 0.5, "device": "cpu"}"#,
            nil, nil, &error)
        }
      }
    }
    var error = cka_error()
    let document = try json("probe.json", of: probe(Self.n, &error))
    let layers = try #require(document["layers"] as? [[String: Any]])
    #expect(layers.count == 3)
    let accuracy = try #require(layers[0]["trainAccuracy"] as? Double)
    #expect(accuracy == 1)
    #expect(probe(Self.n - 1, &error) == 0)
    #expect(message(error) == "found 23 labels, expected 24: one for each example")
  }

  @Test func errorsComparesGroups() throws {
    let truth = (0..<Self.n).map { Int64($0 % 3) }
    /// Networks of which each is wrong about the examples of another remainder by `modulus`.
    func group(_ name: String, _ modulus: Int) -> cka_handle {
      let group = cka_model_create(name, nil)
      for network in 0..<2 {
        let predictions = UnsafeMutableBufferPointer<Int64>.allocate(capacity: Self.n)
        _ = predictions.initialize(
          from: truth.enumerated().map { $0 % modulus == network ? ($1 + 1) % 3 : $1 })
        var shape = Int64(Self.n)
        let code = withUnsafePointer(to: &shape) { shape in
          var array = cka_array(
            data: UnsafeRawPointer(predictions.baseAddress), shape: shape, axes: 1,
            type: CKA_INT64, is_fortran_order: 0)
          return cka_model_add_layer(group, "\(name)-\(network)", &array, nil)
        }
        #expect(code == 0)
      }
      return group
    }
    let (wide, deep) = (group("wide", 8), group("deep", 4))
    var error = cka_error()
    let result = truth.withUnsafeBytes { numbers in
      [Int64(Self.n)].withUnsafeBufferPointer { shape in
        var array = cka_array(
          data: numbers.baseAddress, shape: shape.baseAddress, axes: 1, type: CKA_INT64,
          is_fortran_order: 0)
        return cka_errors(
          wide, deep, &array, #"{"class_names": ["a", "b", "c"], "repeats": 9}"#, &error)
      }
    }
    #expect(message(error) == "")
    let accuracy = try #require(try json("errors.json", of: result)["accuracy"] as? [String: Any])
    // 3 and 6 of 24 are wrong.
    #expect(try #require(accuracy["difference"] as? Double) == 0.125)
  }

  @Test func blocksAreFoundInResultsAndSweeps() throws {
    // Layers that share what the others do not.
    let common = Activations64.normal(n: 60, p: 4, seed: 7)
    let layers = (0..<12).map { index in
      let own = Activations64.normal(n: 60, p: 4, seed: UInt64(20 + index))
      return (3..<8).contains(index) ? common.mixed(into: own, weight: 3) : own
    }
    let compared = cka_compare(
      Memory(layers).kept, 0, #"{"estimator": "unbiased", "device": "cpu"}"#, nil, nil, nil)
    let blocks = withUnsafePointer(to: compared) {
      cka_blocks($0, 1, #"{"min_contrast": 0.2}"#, nil)
    }
    let models = try #require(try json("blocks.json", of: blocks)["models"] as? [[String: Any]])
    let found = try #require(models[0]["blocks"] as? [[String: Any]])
    #expect(found.map { $0["first"] as? Int } == [3] && found.map { $0["last"] as? Int } == [7])
    #expect(try numbers("cka", of: blocks) == numbers("cka", of: compared))
    var error = cka_error()
    #expect(withUnsafePointer(to: blocks) { cka_blocks($0, 1, nil, &error) } == 0)
    #expect(
      message(error) == "results: expected those of cka_compare, or one of cka_sweep alone")
  }

  @Test func aSweepComparesAllPairs() throws {
    let files = try TemporaryFolder()
    let paths = try (0..<3).map { index in
      let path = "\(files.path)/m\(index).npy"
      let layer = left[index]
      try Data(NPYFile.bytes(layer.values, shape: [layer.n, layer.p]))
        .write(to: URL(fileURLWithPath: path))
      return path
    }
    let store = "\(files.path)/store"
    let strings = paths.map { strdup($0) }
    defer { for string in strings { free(string) } }
    let result = strings.map { UnsafePointer<CChar>($0) }.withUnsafeBufferPointer {
      cka_sweep(
        store, $0.baseAddress, $0.count, #"{"estimator": "unbiased", "device": "cpu"}"#, nil, nil,
        nil)
    }
    let document = try json("sweep.json", of: result)
    let pairs = try #require(document["pairs"] as? [[String: Any]])
    #expect(pairs.count == 6)
    for pair in pairs {
      let (i, j) = try (#require(pair["left"] as? Int), #require(pair["right"] as? Int))
      let folder = try #require(pair["folder"] as? String)
      let expected = Oracle.cka(left[i], left[j], unbiased: true)
      #expect(try abs(numbers("\(folder)/cka", of: result)[0] - expected) < tolerance)
    }
    var error = cka_error()
    #expect(cka_result_write(result, "\(files.path)/copy", 0, 0, &error) == Int32(CKA_USAGE))
    #expect(message(error) == "result: that of a sweep is in its store already, \(store)")
  }
}
