import Activations
import CommandSupport
import Foundation

/// The blocks of a result of one model, as places among other layers of the same names.
struct BlockSpans {
  /// First and last layer of each block, counted from 0.
  let ranges: [ClosedRange<Int>]

  private struct Document: Decodable {
    struct Layer: Decodable { var name: String }
    struct Model: Decodable { var layers: [Layer] }
    struct Block: Decodable {
      var first: Int
      var last: Int
    }

    var models: [Model]
    var blocks: [Block]?
  }

  /// Reads the folder of a result at `path`; a block without any of `layers` is left out.
  init(at path: String, layers: [String]) throws {
    let file = "\(path)/\(ResultFiles.document)"
    let data = try documentData(at: file, of: "compare")
    guard let document = try? JSONDecoder().decode(Document.self, from: data),
      document.models.count == 1, let blocks = document.blocks
    else {
      throw Failure(
        .data,
        "\(oneLine(file)): found no blocks, expected a result of one model that compare --blocks wrote"
      )
    }
    let names = document.models[0].layers.map(\.name)
    guard blocks.allSatisfy({ 0 <= $0.first && $0.first <= $0.last && $0.last < names.count })
    else {
      throw Failure(.data, "\(oneLine(file)): damaged, its blocks leave its layers")
    }
    guard layers.contains(where: names.contains) else {
      throw Failure(
        .data, "\(oneLine(file)): found no layer of the model, expected its own result")
    }
    ranges = blocks.compactMap { block in
      let members = Set(names[block.first...block.last])
      let places = layers.indices.filter { members.contains(layers[$0]) }
      guard let first = places.first, let last = places.last else { return nil }
      return first...last
    }
  }
}
