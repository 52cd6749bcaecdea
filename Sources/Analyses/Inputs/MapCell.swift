import Activations
import Support

/// A pair of layers, as their places in two models.
package struct MapCell: Sendable, Hashable {
  package let row: Int
  package let column: Int

  /// See the properties.
  package init(row: Int, column: Int) { (self.row, self.column) = (row, column) }

  /// Where `LAYER,LAYER` is in the map of two models. Names may hold commas themselves.
  package init(_ cell: String, of left: ActivationModel, _ right: ActivationModel) throws(Failure) {
    for comma in cell.indices where cell[comma] == "," {
      let first = String(cell[..<comma])
      let second = String(cell[cell.index(after: comma)...])
      if let row = left.layers.firstIndex(where: { $0.name.isSameName(as: first) }),
        let column = right.layers.firstIndex(where: { $0.name.isSameName(as: second) })
      {
        (self.row, self.column) = (row, column)
        return
      }
    }
    throw Failure(
      .usage,
      "--cell \(oneLine(cell)): expected a layer of \(oneLine(left.name)), a comma and a layer of "
        + "\(oneLine(right.name)); see cka inspect")
  }
}

/// The place of the layer called `name` in the model at `path`.
package func layerPlace(
  _ name: String, of model: ActivationModel, path: String
) throws(Failure) -> Int {
  guard let place = model.layers.firstIndex(where: { $0.name.isSameName(as: name) }) else {
    throw Failure(
      .usage, "\(oneLine(path)): no layer is called \(oneLine(name)); see cka inspect")
  }
  return place
}
