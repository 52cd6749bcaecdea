import Activations
import Support

/// The blocks of a result of one model, as places among other layers of the same names.
package struct BlockSpans {
  /// First and last layer of each block, counted from 0.
  package let ranges: [ClosedRange<Int>]

  /// Reads the folder of a result of `compare --blocks` or `blocks` at `path`; a block without any of
  /// `layers` is left out.
  package init(at path: String, layers: [String]) throws {
    let isOfBlocks = try isThere("\(path)/\(BlocksDocument.name)")
    let file = "\(path)/\(isOfBlocks ? BlocksDocument.name : ResultDocument.name)"
    var result: ResultDocument?
    if isOfBlocks {
      let document = try BlocksDocument(at: file)
      result = document.result
      result?.blocks = document.models[0].blocks
    } else {
      result = try ResultDocument(at: file)
    }
    guard let result, result.models.count == 1, let blocks = result.blocks else {
      throw Failure(
        .data,
        "\(oneLine(file)): contains no blocks; expected a result of cka blocks or of cka compare "
          + "--blocks for one model")
    }
    let names = result.models[0].layers.map(\.name.nameBytes)
    guard layers.contains(where: { names.contains($0.nameBytes) }) else {
      throw Failure(
        .data,
        "\(oneLine(file)): contains none of the model's layers; expected a result of this model")
    }
    ranges = blocks.compactMap { block in
      let members = Set(names[block.first...block.last])
      let places = layers.indices.filter { members.contains(layers[$0].nameBytes) }
      guard let first = places.first, let last = places.last else { return nil }
      return first...last
    }
  }
}
