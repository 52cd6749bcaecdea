import ActivationFiles
import Activations
import CKA
import CommandSupport
import Device
import Figures
import Foundation
import Report
import Support

/// What `compare` finds.
struct CompareResult: DrawableResult {
  let document: ResultDocument
  let cka: Matrix<Double>
  /// Of the unbiased estimators.
  let z: Matrix<Double>?

  init(_ document: ResultDocument, _ similarity: Similarity) {
    self.document = document
    (cka, z) = (similarity.cka, similarity.z)
  }

  init(in folder: String) throws {
    document = try ResultDocument(in: folder)
    let (rows, columns) = document.shape
    cka = try writtenScores(at: "\(folder)/cka.npy", rows: rows, columns: columns)
    z =
      document.hasSignificance
      ? try writtenMatrix(at: "\(folder)/z.npy", rows: rows, columns: columns) : nil
  }

  /// The map.
  func heatmap() throws -> Heatmap { try Heatmap(document, cka) }

  func figures() throws -> [NamedFigure] { [NamedFigure(name: "heatmap", figure: try heatmap())] }

  func report() throws -> Report { try Report(document, cka: cka, z: z) }
}

/// The files of a result, as bytes, ready to be written.
struct ResultFiles {
  /// What `compare` and `plot` write.
  static let kind = ResultFolder.Kind(
    ResultDocument.self, names: ["cka.npy", "cka.csv", "z.npy"], figures: ["heatmap"])

  /// Names and bytes.
  let contents: [(name: String, bytes: [UInt8])]
  private let heatmap: Heatmap

  /// - Parameter report: whether a page is among them.
  init(_ document: ResultDocument, _ similarity: Similarity, report: Bool) throws {
    let result = CompareResult(document, similarity)
    heatmap = try result.heatmap()
    // With a thousand layers each of these takes a good part of a second: side by side.
    let makers = try Self.numbers(document, similarity) + result.drawings(report: report)
    contents = try concurrentMap(makers) { try $0() }
  }

  /// What makes a file: its name and bytes.
  typealias Maker = @Sendable () throws -> (name: String, bytes: [UInt8])

  /// All but the pictures, which `cka plot` makes of these.
  static func numbers(_ document: ResultDocument, _ similarity: Similarity) -> [Maker] {
    let cka = similarity.cka
    var makers: [Maker] = [
      { ("cka.npy", npy(cka)) },
      { ("cka.csv", csv(cka, rows: document.rowNames, columns: document.columnNames)) },
      { (ResultDocument.name, try document.json) },
    ]
    if let z = similarity.z { makers.append { ("z.npy", npy(z)) } }
    return makers
  }

  /// The map for this terminal.
  func terminalMap() throws -> String { heatmap.terminalText() }
}

/// A figure as a file of each format.
func pictures(
  _ name: String, of figure: some Figure
) throws -> [(name: String, bytes: [UInt8])] {
  try FigureFormat.allCases.map { ("\(name).\($0.rawValue)", try figure.data($0)) }
}

extension FigureError: FailureConvertible {
  /// One line, and the code of a wrong option where what was asked for cannot be drawn, such as large type on a
  /// narrow page.
  public var failure: Failure {
    let isAskedFor = kind == .invalid || kind == .narrow
    return Failure(isAskedFor ? .usage : .software, "drawing: \(oneLine(description))")
  }
}

extension Heatmap {
  /// The picture of a result.
  init(_ document: ResultDocument, _ cka: Matrix<Double>) throws {
    let rows = document.models[0]
    let columns = document.models.last ?? rows
    try self.init(
      values: cka.elements, rows: cka.rows, columns: cka.columns, rowAxis: rows.axis,
      columnAxis: columns.axis,
      scoreName: ResultDocument.scoreName(kernel: document.kernel, estimator: document.estimator),
      outlines: (document.blocks ?? []).map { Outline(layers: $0.layers) })
  }

  /// The map as text, as large and as colorful as this terminal allows.
  func terminalText() -> String {
    let size = Console.size
    let style: TerminalMap.Style =
      if !Console.showsColor { .shades } else if Console.showsTrueColor { .trueColor } else {
        .indexedColor
      }
    return TerminalMap(
      self, width: min(size.columns, 100), height: max(size.rows - 6, 12), style: style
    ).text
  }
}

extension ResultDocument {
  fileprivate var rowNames: [String] { models[0].layers.map(\.name) }
  fileprivate var columnNames: [String] { (models.last ?? models[0]).layers.map(\.name) }

  /// What the scores are, beside the color bar.
  static func scoreName(kernel: Kernel, estimator: Estimator) -> String {
    "CKA (\(kernel.name), \(estimator.name))"
  }
}

extension ResultDocument.Model {
  var axis: Heatmap.Axis {
    Heatmap.Axis(labels: layers.map(\.name), title: name, groups: stages)
  }

  /// Runs of neighboring layers of one stage.
  private var stages: [Heatmap.Group] {
    var groups: [Heatmap.Group] = []
    var start = 0
    for index in 1...layers.count
    where index == layers.count || layers[index].stage != layers[start].stage {
      if let stage = layers[start].stage {
        groups.append(Heatmap.Group(name: stage, range: start..<index))
      }
      start = index
    }
    return groups
  }
}
