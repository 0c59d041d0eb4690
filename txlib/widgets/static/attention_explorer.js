// The attention view as a widget of its own.
export default { render: attention };
