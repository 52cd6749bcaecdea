import Foundation
import Testing

@testable import Figures

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct FigureFileTests {
  private func nastyHeatmap() throws -> Heatmap {
    let count = nastyNames.count
    let groups = nastyNames.enumerated().map {
      Heatmap.Group(name: $0.element, range: $0.offset..<$0.offset + 1)
    }
    let axis = Heatmap.Axis(labels: nastyNames, title: nastyNames.joined(), groups: groups)
    return try Heatmap(
      values: (0..<count * count).map { $0.isMultiple(of: 7) ? .nan : sin(Double($0)) },
      rows: count, columns: count, rowAxis: axis, columnAxis: axis, scoreName: "a\u{0}<b>\n",
      title: nastyNames.joined(separator: "\n"))
  }

  @Test(arguments: FigureFormat.allCases)
  func twoCallsGiveTheSameBytes(format: FigureFormat) throws {
    let axis = sampleAxis(30)
    let map = try sampleHeatmap(
      rows: 30, columns: 30, rowAxis: axis, columnAxis: axis, undefined: { $0 == 3 || $1 == 7 },
      title: "Title")
    let first = try map.data(format)
    // Another picture in between moves every counter of the process on.
    _ = try nastyHeatmap().data(format)
    #expect(try map.data(format) == first)
    #expect(!first.isEmpty)
  }

  @Test func pdfHasNoDate() throws {
    let bytes = try sampleHeatmap(rows: 3, columns: 3).data(.pdf)
    #expect(bytes.starts(with: Array("%PDF".utf8)))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.contains("/Producer") && !text.contains("CreationDate"))
  }

  @Test(arguments: FigureFormat.allCases)
  func anyNameCanBeDrawn(format: FigureFormat) throws {
    #expect(try !nastyHeatmap().data(format).isEmpty)
  }

  @Test func svgIsWellFormedAndItsReferencesResolve() throws {
    for map in [try nastyHeatmap(), try sampleHeatmap(rows: 500, columns: 500)] {
      let bytes = try map.data(.svg)
      let parser = XMLParser(data: Data(bytes))
      let reader = IdentifierReader()
      parser.delegate = reader
      #expect(parser.parse(), "\(String(describing: parser.parserError))")
      #expect(reader.identifiers.count == reader.distinct.count)
      #expect(reader.references.isSubset(of: reader.distinct))
      #expect(reader.images > 0 && reader.sharpImages == reader.images)
    }
  }

  @Test func aVectorDrawingOfManyCellsStaysSmall() throws {
    // Noise compresses worst.
    var state: UInt64 = 1
    let values = (0..<250_000).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % 10 == 0 ? Double.nan : Double(state >> 40) / Double(1 << 24)
    }
    let map = try Heatmap(values: values, rows: 500, columns: 500, scoreName: "CKA")
    #expect(try map.data(.svg).count < 2_000_000)
    #expect(try map.data(.pdf).count < 2_000_000)
  }

  @Test(arguments: FigureFormat.allCases)
  func writesWhatDataReturns(format: FigureFormat) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let map = try sampleHeatmap(rows: 4, columns: 4)
    let file = folder.appendingPathComponent("map.\(format.rawValue)")
    try map.write(to: file.path, format: format)
    #expect(try Array(Data(contentsOf: file)) == map.data(format))
  }

  @Test func aPathThatCannotBeWrittenIsNamed() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent(UUID().uuidString).appendingPathComponent("map.png").path
    let map = try sampleHeatmap(rows: 2, columns: 2)
    let error = try #require(throws: FigureError.self) { try map.write(to: path, format: .png) }
    #expect(error.kind == .writing)
    #expect(error.description.contains(path))
  }

  @Test func aPictureBeyondCairosLimitIsRefused() throws {
    let map = try sampleHeatmap(rows: 1, columns: 40_000)
    let error = try #require(throws: FigureError.self) { try map.data(.png) }
    #expect(error.kind == .drawing)
    #expect(error.description.contains("32767"))
  }

  @Test(arguments: [(1, 1), (1, 500), (500, 1), (3, 3)], FigureFormat.allCases)
  func undefinedMatricesCanBeDrawn(shape: (Int, Int), format: FigureFormat) throws {
    let map = try sampleHeatmap(rows: shape.0, columns: shape.1, undefined: { _, _ in true })
    #expect(try !map.data(format).isEmpty)
  }

  @Test func contradictionsAreRefused() {
    func refuses(_ make: () throws -> Heatmap) {
      #expect { try make() } throws: { ($0 as? FigureError)?.kind == .invalid }
    }
    let groups = { (ranges: [Range<Int>]) in
      Heatmap.Axis(groups: ranges.map { Heatmap.Group(name: "g", range: $0) })
    }
    refuses { try Heatmap(values: [], rows: 0, columns: 0, scoreName: "") }
    refuses { try Heatmap(values: [1], rows: -1, columns: -1, scoreName: "") }
    refuses { try Heatmap(values: [1], rows: .max, columns: 3, scoreName: "") }
    refuses { try Heatmap(values: [1, 2], rows: 1, columns: 1, scoreName: "") }
    refuses { try sampleHeatmap(rows: 2, columns: 2, rowAxis: .init(labels: ["one"])) }
    refuses { try sampleHeatmap(rows: 2, columns: 2, columnAxis: groups([1..<3])) }
    refuses { try sampleHeatmap(rows: 2, columns: 2, columnAxis: groups([0..<2, 1..<2])) }
    refuses { try sampleHeatmap(rows: 2, columns: 2, columnAxis: groups([1..<1])) }
    refuses { try sampleHeatmap(rows: 2, columns: 2, range: 1...1) }
    refuses { try sampleHeatmap(rows: 2, columns: 2, range: 0...Double.infinity) }
  }

  @Test func formatsAreToldByExtension() {
    #expect(FigureFormat(pathExtension: "PNG") == .png)
    #expect(FigureFormat(pathExtension: "jpg") == nil)
  }
}

/// Collects what an SVG defines and refers to.
private final class IdentifierReader: NSObject, XMLParserDelegate {
  var identifiers: [String] = []
  var references: Set<String> = []
  var images = 0
  var sharpImages = 0
  var distinct: Set<String> { Set(identifiers) }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    if let identifier = attributes["id"] { identifiers.append(identifier) }
    for value in attributes.values {
      if value.hasPrefix("#") { references.insert(String(value.dropFirst())) }
      if value.hasPrefix("url(#") { references.insert(String(value.dropFirst(5).dropLast())) }
    }
    guard name == "image" else { return }
    images += 1
    if attributes["style"] == "image-rendering:pixelated" { sharpImages += 1 }
  }
}
