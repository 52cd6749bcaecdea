import Activations
import Foundation
import Support
import TestSupport
import Testing

@testable import ActivationFiles

/// One token, the mean of some, or all as examples: of files with padding.
struct TokenPoolingTests {
  let folder: TemporaryFolder
  private static let (n, tokens, features) = (7, 5, 3)
  /// Padding at the right, at the left, in the middle, and none.
  private static let places = [
    [0, 1], [3, 4], [0, 2, 4], [0, 1, 2, 3, 4], [2], [1, 2], [0, 1, 2, 3],
  ]

  init() throws { folder = try TemporaryFolder() }

  /// Small whole numbers, which all types hold; where a token is padding, the largest of them.
  private func number(_ example: Int, _ token: Int, _ feature: Int) -> Double {
    Self.places[example].contains(token)
      ? Double((example * 7 + token * 3 + feature * 5) % 11) : 96
  }

  /// The array in a file, opened.
  private func layer(
    _ layout: LayerShape.Layout, type: ScalarType = .float32, bigEndian: Bool = false,
    fortran: Bool = false
  ) throws -> LayerActivations {
    let axes =
      layout == .channelsLast ? [Self.tokens, Self.features] : [Self.features, Self.tokens]
    let shape = [Self.n] + axes
    func value(_ index: [Int]) -> Double {
      layout == .channelsLast
        ? number(index[0], index[1], index[2]) : number(index[0], index[2], index[1])
    }
    var values: [Double] = []
    if fortran {
      for c in 0..<shape[2] {
        for b in 0..<shape[1] { for a in 0..<shape[0] { values.append(value([a, b, c])) } }
      }
    } else {
      for a in 0..<shape[0] {
        for b in 0..<shape[1] { for c in 0..<shape[2] { values.append(value([a, b, c])) } }
      }
    }
    let path = try folder.write(
      NPYFile.bytes(values, shape: shape, type: type, bigEndian: bigEndian, fortran: fortran),
      to: "a.npy")
    return try ModelFiles(path: path).layers[0]
  }

  private func mask() throws -> TokenMask {
    let flags = Self.places.flatMap { kept in
      (0..<Self.tokens).map { kept.contains($0) ? 1.0 : 0 }
    }
    return try TokenMask(
      path: folder.write(
        NPYFile.bytes(flags, shape: [Self.n, Self.tokens], type: .int64), to: "mask.npy"))
  }

  /// The rows by hand, of all but `flatten`.
  private func expected(_ pooling: TokenPooling) -> [[Double]] {
    Self.places.enumerated().flatMap { example, kept -> [[Double]] in
      let rows = kept.map { token in
        (0..<Self.features).map { number(example, token, $0) }
      }
      return switch pooling {
      case .tokens, .flatten: rows
      case .first: [rows[0]]
      case .last: [rows[rows.count - 1]]
      case .mean:
        [
          (0..<Self.features).map { k in rows.map { $0[k] }.reduce(0, +) / Double(rows.count) }
        ]
      }
    }
  }

  @Test(
    arguments: TokenPooling.allCases.filter { $0 != .flatten },
    [ScalarType.float32, .float16, .float64, .int8, .uint16])
  func takesTheTokensThatCount(pooling: TokenPooling, type: ScalarType) throws {
    let mask = try mask()
    for layout in LayerShape.Layout.allCases {
      for (bigEndian, fortran) in [(false, false), (true, false), (false, true)] {
        let layer = try layer(layout, type: type, bigEndian: bigEndian, fortran: fortran)
        // The mask alone tells which axis its tokens are.
        for told in [nil, layout] {
          let pooled = try layer.pooled(pooling, layout: told, mask: mask, path: "a").layer
          // Sums of at most five small whole numbers are exact, and so is one division.
          #expect(pooled.rows == expected(pooling), "\(layout) \(bigEndian) \(fortran)")
          #expect(pooled.scalarType == (pooling == .mean ? .float64 : type))
        }
      }
    }
  }

  @Test func lengthsAreMasksOfWhatComesFirst() throws {
    let lengths = try TokenMask(
      path: folder.write(
        NPYFile.bytes([2, 1, 5], shape: [3], type: .int32), to: "lengths.npy"))
    let values = (0..<30).map(Double.init)
    let path = try folder.write(NPYFile.bytes(values, shape: [3, 5, 2]), to: "a.npy")
    let layer = try ModelFiles(path: path).layers[0]
    let last = try layer.pooled(.last, layout: .channelsLast, mask: lengths, path: "a").layer
    #expect(last.rows == [[2, 3], [10, 11], [28, 29]])
    let flat = try layer.pooled(.flatten, layout: nil, mask: nil, path: "a")
    #expect(flat.layer.rows == layer.rows && flat.rows.isEmpty)
    let rows = try layer.pooled(.tokens, layout: .channelsLast, mask: lengths, path: "a").rows
    #expect(rows.map(\.example) == [0, 0, 1, 2, 2, 2, 2, 2])
    #expect(rows.map { $0.tokens[0] } == [0, 1, 0, 0, 1, 2, 3, 4])
  }

  @Test func whatDoesNotFitIsNamed() throws {
    func words(_ body: () throws -> Void) -> String {
      do { try body() } catch let error as Failure { return error.description } catch {
        return "\(error)"
      }
      return "nothing"
    }
    let flat = try ModelFiles(
      path: folder.write(NPYFile.bytes([1, 2, 3, 4], shape: [2, 2]), to: "flat.npy")
    ).layers[0]
    #expect(try flat.pooled(.last, layout: nil, mask: nil, path: "m").layer.rows == flat.rows)
    #expect(
      words { _ = try flat.pooled(.tokens, layout: nil, mask: nil, path: "m") }
        .contains("layer flat, 2 × 2: --pool tokens takes examples × tokens × features"))
    let layer = try layer(.channelsLast)
    #expect(
      words { _ = try layer.pooled(.first, layout: nil, mask: nil, path: "m") }
        .contains("needs --layout: channels-first has 3 tokens, channels-last 5"))
    #expect(
      words { _ = try layer.pooled(.first, layout: .channelsFirst, mask: mask(), path: "m") }
        .contains("the mask has 7 × 5, expected 3 tokens"))
    func other(_ values: [Double], _ shape: [Int]) throws -> TokenMask {
      try TokenMask(path: folder.write(NPYFile.bytes(values, shape: shape), to: "bad.npy"))
    }
    #expect(
      words { _ = try other([0, -1e9], [1, 2]) }.contains(
        "found -1000000000.0 for example 0, expected 1 for tokens and 0 for padding"))
    // A length that no memory holds is compared, and not counted to.
    let endless = try TokenMask(
      path: folder.write(
        NPYFile.bytes([Double](repeating: 0x1p62, count: 7), shape: [7], type: .int64),
        to: "endless.npy"))
    #expect(
      words { _ = try layer.pooled(.last, layout: .channelsLast, mask: endless, path: "m") }
        .contains("7 lengths, the largest 4611686018427387904, expected 5 tokens"))
    #expect(words { _ = try other([1.5], [1]) }.contains("expected its number of tokens"))
    let sixRows = try other([Double](repeating: 1, count: 30), [6, 5])
    #expect(
      words { _ = try layer.pooled(.mean, layout: nil, mask: sixRows, path: "m") }
        .contains("the mask has 6 × 5, expected the same examples"))
    let empty = try other([Double](repeating: 0, count: 35), [7, 5])
    #expect(
      words { _ = try layer.pooled(.mean, layout: nil, mask: empty, path: "m") }
        .contains("example 0 has no token that counts"))
  }
}
